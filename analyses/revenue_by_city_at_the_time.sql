-- Revenue by the city in which a user lived when they bought. fact_transactions has that of today.
with

versions as (
    select
        user_id,
        city,
        dbt_valid_to,
        -- What was bought before the first run belongs to the first version.
        if(
            row_number() over (partition by user_id order by dbt_valid_from) = 1,
            cast('0001-01-01' as timestamp), dbt_valid_from
        ) as valid_from
    from {{ ref('users_history') }}
),

transactions as (select * from {{ ref('fact_transactions') }}),

final as (
    select
        versions.city,
        count(*) as transaction_count,
        sum(transactions.amount) as total_revenue
    from transactions
    left join versions
        on
            transactions.user_id = versions.user_id
            and transactions.created_at >= versions.valid_from
            and (versions.dbt_valid_to is null or transactions.created_at < versions.dbt_valid_to)
    group by versions.city
)

select * from final
order by total_revenue desc
