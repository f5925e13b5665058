-- Guards against days of daily_revenue that were left behind when the fact changed: of each day,
-- the revenue, transactions and delivered orders of fact_transactions.
with

measured as (
    select
        date as day,
        total_revenue as revenue,
        transaction_count,
        delivered_order_count
    from {{ ref('daily_revenue') }}
    union all
    select
        tx_date as day,
        -amount as revenue,
        -1 as transaction_count,
        -if(status = 'delivered', 1, 0) as delivered_order_count
    from {{ ref('fact_transactions') }}
)

select
    day,
    sum(revenue) as surplus_revenue,
    sum(transaction_count) as surplus_transactions,
    sum(delivered_order_count) as surplus_delivered_orders
from measured
where {{ recent('day') }}
group by day
having sum(revenue) != 0 or sum(transaction_count) != 0 or sum(delivered_order_count) != 0
