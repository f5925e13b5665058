with

source as (select * from {{ source('silver', 'transactions') }}),

cleaned as (
    select
        tx_id as silver_tx_id,
        user_id as silver_user_id,
        amount as silver_amount,
        status as silver_status,
        created_at as silver_created_at,
        delivered_at as silver_delivered_at,
        file_modified,
        {{ clean('tx_id') }} as tx_id,
        {{ clean('user_id') }} as user_id,
        {{ clean('amount', 'decimal(18, 2)') }} as amount,
        lower({{ clean('status') }}) as status,
        {{ valid_timestamp('created_moment') }} as created_at,
        {{ clean('delivered_at', 'timestamp') }} as delivered_at
    from source
        {{ once(any_timestamp('created_at'), 'created_moment') }}
),

judged as (
    select
        *,
        cast(created_at as date) as tx_date,
        {{ file_bucket(
            'coalesce(tx_id, silver_created_at)', 'cast(created_at as date)', 'fact_transactions'
        ) }} as file_bucket,
        case
            when tx_id is null then 'missing_id'
            when created_at is null then 'invalid_timestamp'
            when amount is null then 'invalid_amount'
        end as defect
    from cleaned
),

-- One shuffle serves the ranking and the write after it.
spread as (select /*+ repartition(tx_date, file_bucket) */ * from judged),

ranked as (
    select
        *,
        row_number() over (
            partition by tx_id, tx_date, file_bucket, defect
            order by
                delivered_at desc nulls last,
                created_at desc,
                amount desc,
                status asc nulls last,
                user_id asc nulls last
        ) as delivery
    from spread
),

final as (
    select
        tx_id,
        user_id,
        amount,
        status,
        created_at,
        delivered_at,
        silver_tx_id,
        silver_user_id,
        silver_amount,
        silver_status,
        silver_created_at,
        silver_delivered_at,
        file_modified,
        tx_date,
        coalesce(defect, if(delivery > 1, 'duplicate', null)) as reason
    from ranked
)

select * from final
