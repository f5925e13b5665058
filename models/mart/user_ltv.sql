{{ config(
    partition_by=['user_bucket'],
    meta={'exact': {'inputs': {'fact_user_activity': 'all'}}},
) }}

with

user_days as (select * from {{ ref('fact_user_activity') }}),

by_user as (
    select
        user_id,
        min(first_event_at) as first_event,
        max(last_event_at) as last_event,
        sum(events_count) as event_count,
        sum(transactions_count) as transaction_count,
        -- Adding wide decimals is slow, and most days have no transaction.
        cast(
            coalesce(sum(total_revenue) filter (where transactions_count > 0), 0) as decimal(28, 2)
        ) as total_revenue
    from user_days
    group by user_id
),

final as (
    select /*+ repartition(user_bucket) */
        user_id,
        first_event,
        last_event,
        event_count,
        transaction_count,
        total_revenue,
        {{ average('total_revenue', 'transaction_count') }} as average_order_value,
        total_revenue as ltv,
        {{ user_bucket('user_id') }} as user_bucket
    from by_user
)

select * from final
