{{ config(
    partition_by=['activity_date'],
    meta={'exact': {
        'inputs': {'fact_events': 'event_date', 'fact_transactions': 'tx_date'},
        'sorted_by': 'user_id',
    }},
) }}

with

events as (select * from {{ ref('fact_events') }} where user_id is not null),

transactions as (select * from {{ ref('fact_transactions') }} where user_id is not null),

-- A union, where a full join would do: a day's predicate passes through it down to the files.
actions as (
    select
        user_id,
        event_date as activity_date,
        cast(1 as bigint) as events_count,
        cast(0 as bigint) as transactions_count,
        cast(null as decimal(18, 2)) as amount,
        ts as event_at
    from events
    union all
    select
        user_id,
        tx_date as activity_date,
        cast(0 as bigint) as events_count,
        cast(1 as bigint) as transactions_count,
        amount,
        cast(null as timestamp) as event_at
    from transactions
),

bucketed as (
    select /*+ repartition(activity_date, file_bucket) */
        *,
        {{ file_bucket('user_id', 'activity_date', 'fact_user_activity') }} as file_bucket
    from actions
),

summed as (
    select
        user_id,
        activity_date,
        sum(events_count) as events_count,
        sum(transactions_count) as transactions_count,
        -- Adding decimals is slow, NULLs too, and most rows are events.
        cast(
            coalesce(sum(amount) filter (where transactions_count > 0), 0) as decimal(28, 2)
        ) as total_revenue,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at
    from bucketed
    group by activity_date, file_bucket, user_id
),

final as (
    select
        user_id,
        events_count,
        transactions_count,
        total_revenue,
        {{ average('total_revenue', 'transactions_count') }} as avg_transaction_amount,
        first_event_at,
        last_event_at,
        activity_date
    from summed
)

select * from final
