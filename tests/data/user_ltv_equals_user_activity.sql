-- Guards against users whose lifetime was left behind when a day of theirs changed, or who came or
-- went: each user's events, transactions and revenue in fact_user_activity. All of history, since a
-- lifetime has no days to choose from.
with

measured as (
    select
        user_id,
        event_count,
        transaction_count,
        ltv as revenue
    from {{ ref('user_ltv') }}
    union all
    select
        user_id,
        -events_count as event_count,
        -transactions_count as transaction_count,
        -total_revenue as revenue
    from {{ ref('fact_user_activity') }}
)

select
    user_id,
    sum(event_count) as surplus_events,
    sum(transaction_count) as surplus_transactions,
    sum(revenue) as surplus_revenue
from measured
group by user_id
having sum(event_count) != 0 or sum(transaction_count) != 0 or sum(revenue) != 0
