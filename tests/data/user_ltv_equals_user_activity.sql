-- Guards against users whose lifetime was left behind when a day of theirs changed, or who came or went: of each
-- bucket of users, the same users, events, transactions and revenue as in fact_user_activity. All of history, since
-- a lifetime has no days to choose from.
with

lifetimes as (
    select
        user_bucket,
        count(*) as users,
        sum(event_count) as events,
        sum(transaction_count) as transactions,
        sum(ltv) as revenue
    from {{ ref('user_ltv') }}
    group by user_bucket
),

activity as (
    select
        {{ user_bucket('user_id') }} as user_bucket,
        count(distinct user_id) as users,
        sum(events_count) as events,
        sum(transactions_count) as transactions,
        sum(total_revenue) as revenue
    from {{ ref('fact_user_activity') }}
    group by 1
)

select
    coalesce(lifetimes.user_bucket, activity.user_bucket) as user_bucket,
    lifetimes.users,
    activity.users as activity_users,
    lifetimes.events,
    activity.events as activity_events,
    lifetimes.transactions,
    activity.transactions as activity_transactions,
    lifetimes.revenue,
    activity.revenue as activity_revenue
from lifetimes
full join activity on lifetimes.user_bucket = activity.user_bucket
where
    not lifetimes.users <=> activity.users
    or not lifetimes.events <=> activity.events
    or not lifetimes.transactions <=> activity.transactions
    or not lifetimes.revenue <=> activity.revenue
