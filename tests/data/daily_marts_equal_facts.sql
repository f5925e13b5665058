-- Guards against days of daily_revenue and daily_active_users that were left behind when a fact changed: of each
-- day, the same revenue, transactions and users as in the table that the mart is made of.
with

marts as (
    select
        date as day,
        total_revenue,
        transaction_count,
        delivered_order_count,
        null as active_users
    from {{ ref('daily_revenue') }}
    union all
    select
        date as day,
        null as total_revenue,
        null as transaction_count,
        null as delivered_order_count,
        event_active_users + tx_active_users + total_active_users as active_users
    from {{ ref('daily_active_users') }}
),

facts as (
    select
        tx_date as day,
        sum(amount) as total_revenue,
        count(*) as transaction_count,
        count_if(status = 'delivered') as delivered_order_count,
        null as active_users
    from {{ ref('fact_transactions') }}
    where {{ recent('tx_date') }}
    group by tx_date
    union all
    select
        activity_date as day,
        null as total_revenue,
        null as transaction_count,
        null as delivered_order_count,
        count_if(events_count > 0) + count_if(transactions_count > 0) + count(distinct user_id) as active_users
    from {{ ref('fact_user_activity') }}
    where {{ recent('activity_date') }}
    group by activity_date
),

both as (
    select 'mart' as side, * from marts where {{ recent('day') }}
    union all
    select 'fact' as side, * from facts
),

days as (
    {%- set measures = ['total_revenue', 'transaction_count', 'delivered_order_count', 'active_users'] %}
    select
        day,
        {%- for measure in measures %}
        sum(if(side = 'mart', {{ measure }}, null)) as mart_{{ measure }},
        sum(if(side = 'fact', {{ measure }}, null)) as fact_{{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from both
    group by day
)

select *
from days
where
    {%- for measure in measures %}
    {{ 'or ' if not loop.first }}not mart_{{ measure }} <=> fact_{{ measure }}
    {%- endfor %}
