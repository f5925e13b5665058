{{ config(
    partition_by=['month'],
    meta={'exact': {'inputs': {'fact_transactions': "date_format(tx_date, 'yyyy-MM')"}}},
) }}

with

transactions as (select * from {{ ref('fact_transactions') }}),

by_day as (
    select
        tx_date as date,
        cast(sum(amount) as decimal(28, 2)) as total_revenue,
        count(*) as transaction_count,
        count_if(status = 'delivered') as delivered_order_count
    from transactions
    group by tx_date
),

final as (
    select /*+ repartition(month) */
        date,
        total_revenue,
        transaction_count,
        delivered_order_count,
        {{ average('total_revenue', 'transaction_count') }} as average_order_value,
        date_format(date, 'yyyy-MM') as month
    from by_day
)

select * from final
