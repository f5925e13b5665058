-- Guards against days of fact_user_activity that were left behind when a fact changed, and against
-- rows that count twice or not at all: of each day, events, transactions and revenue of the facts.
with

measured as (
    select
        activity_date as day,
        events_count as event_count,
        transactions_count as transaction_count,
        total_revenue as revenue
    from {{ ref('fact_user_activity') }}
    union all
    select
        event_date as day,
        -1 as event_count,
        0 as transaction_count,
        0 as revenue
    from {{ ref('fact_events') }}
    where user_id is not null
    union all
    select
        tx_date as day,
        0 as event_count,
        -1 as transaction_count,
        -amount as revenue
    from {{ ref('fact_transactions') }}
    where user_id is not null
)

select
    day,
    sum(event_count) as surplus_events,
    sum(transaction_count) as surplus_transactions,
    sum(revenue) as surplus_revenue
from measured
where {{ recent('day') }}
group by day
having sum(event_count) != 0 or sum(transaction_count) != 0 or sum(revenue) != 0
