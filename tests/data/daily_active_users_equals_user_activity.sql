-- Guards against days of daily_active_users that were left behind when a fact changed: of each day,
-- the users of fact_user_activity.
with

measured as (
    select
        date as day,
        event_active_users,
        tx_active_users,
        total_active_users
    from {{ ref('daily_active_users') }}
    union all
    select
        activity_date as day,
        -if(events_count > 0, 1, 0) as event_active_users,
        -if(transactions_count > 0, 1, 0) as tx_active_users,
        -1 as total_active_users
    from {{ ref('fact_user_activity') }}
)

select
    day,
    sum(event_active_users) as surplus_event_active_users,
    sum(tx_active_users) as surplus_tx_active_users,
    sum(total_active_users) as surplus_total_active_users
from measured
where {{ recent('day') }}
group by day
having sum(event_active_users) != 0 or sum(tx_active_users) != 0 or sum(total_active_users) != 0
