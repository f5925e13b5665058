{{ config(
    partition_by=['month'],
    meta={'exact': {'inputs': {'fact_user_activity': "date_format(activity_date, 'yyyy-MM')"}}},
) }}

with

user_days as (select * from {{ ref('fact_user_activity') }}),

by_day as (
    select
        activity_date as date,
        count_if(events_count > 0) as event_active_users,
        count_if(transactions_count > 0) as tx_active_users,
        count(*) as total_active_users
    from user_days
    group by activity_date
),

final as (
    select /*+ repartition(month) */
        date,
        event_active_users,
        tx_active_users,
        total_active_users,
        date_format(date, 'yyyy-MM') as month
    from by_day
)

select * from final
