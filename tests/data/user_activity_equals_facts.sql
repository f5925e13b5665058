-- Guards against days of fact_user_activity that were left behind when a fact changed, and against rows that count
-- twice or not at all: of each day, as many events, transactions and as much revenue as in the facts.
with

activity as (
    select
        activity_date as day,
        sum(events_count) as events,
        sum(transactions_count) as transactions,
        sum(total_revenue) as revenue
    from {{ ref('fact_user_activity') }}
    where {{ recent('activity_date') }}
    group by activity_date
),

fact_days as (
    select event_date as day, count(*) as events, 0 as transactions, 0 as revenue
    from {{ ref('fact_events') }}
    where user_id is not null and {{ recent('event_date') }}
    group by event_date
    union all
    select tx_date as day, 0 as events, count(*) as transactions, sum(amount) as revenue
    from {{ ref('fact_transactions') }}
    where user_id is not null and {{ recent('tx_date') }}
    group by tx_date
),

facts as (
    select
        day,
        sum(events) as events,
        sum(transactions) as transactions,
        sum(revenue) as revenue
    from fact_days
    group by day
)

select
    coalesce(activity.day, facts.day) as day,
    activity.events,
    facts.events as fact_events,
    activity.transactions,
    facts.transactions as fact_transactions,
    activity.revenue,
    facts.revenue as fact_revenue
from activity
full join facts on activity.day = facts.day
where
    not activity.events <=> facts.events
    or not activity.transactions <=> facts.transactions
    or not activity.revenue <=> facts.revenue
