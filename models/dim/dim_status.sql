{{ config(meta={'exact': {'inputs': ['fact_transactions', 'order_statuses']}}) }}

with

transactions as (select * from {{ ref('fact_transactions') }}),

statuses as (select * from {{ ref('order_statuses') }}),

seen as (select distinct status from transactions where status is not null),

final as (
    select
        seen.status,
        seen.status = 'delivered' as is_delivered,
        statuses.description
    from seen
    left join statuses on seen.status = statuses.status
)

select * from final
