with

source as (select * from {{ source('silver', 'events') }}),

cleaned as (
    select
        event_id as silver_event_id,
        user_id as silver_user_id,
        ts as silver_ts,
        country as silver_country,
        file_modified,
        {{ clean('event_id') }} as event_id,
        {{ clean('user_id') }} as user_id,
        {{ valid_timestamp('ts_moment') }} as ts,
        {{ clean('country') }} as country
    from source
        {{ once(any_timestamp('ts'), 'ts_moment') }}
),

judged as (
    select
        *,
        cast(ts as date) as event_date,
        {{ file_bucket(
            'coalesce(event_id, silver_ts)', 'cast(ts as date)', 'fact_events'
        ) }} as file_bucket,
        case
            when event_id is null then 'missing_id'
            when ts is null then 'invalid_timestamp'
        end as defect
    from cleaned
),

-- One shuffle serves the ranking and the write after it.
spread as (select /*+ repartition(event_date, file_bucket) */ * from judged),

ranked as (
    select
        *,
        row_number() over (
            partition by event_id, event_date, file_bucket, defect
            order by ts asc, user_id asc nulls last, country asc nulls last
        ) as delivery
    from spread
),

final as (
    select
        event_id,
        user_id,
        ts,
        country,
        silver_event_id,
        silver_user_id,
        silver_ts,
        silver_country,
        file_modified,
        event_date,
        coalesce(defect, if(delivery > 1, 'duplicate', null)) as reason
    from ranked
)

select * from final
