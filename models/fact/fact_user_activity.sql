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

event_days as (
    select
        user_id,
        event_date as activity_date,
        count(*) as events_count,
        cast(0 as bigint) as transactions_count,
        cast(0 as decimal(28, 2)) as total_revenue,
        min(ts) as first_event_at,
        max(ts) as last_event_at
    from events
    group by user_id, event_date
),

transaction_days as (
    select
        user_id,
        tx_date as activity_date,
        cast(0 as bigint) as events_count,
        count(*) as transactions_count,
        cast(sum(amount) as decimal(28, 2)) as total_revenue,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from transactions
    group by user_id, tx_date
),

-- A union, where a full join would do: a day's predicate passes through it down to the files.
user_days as (
    select * from event_days
    union all
    select * from transaction_days
),

bucketed as (
    select /*+ repartition(activity_date, file_bucket) */
        *,
        {{ file_bucket('user_id', 'activity_date', 'fact_user_activity') }} as file_bucket
    from user_days
),

summed as (
    select
        user_id,
        activity_date,
        sum(events_count) as events_count,
        sum(transactions_count) as transactions_count,
        cast(sum(total_revenue) as decimal(28, 2)) as total_revenue,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at
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
