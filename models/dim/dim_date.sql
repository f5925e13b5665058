with

active_days as (
    select event_date as active_day from {{ ref('fact_events') }}
    union all
    select tx_date as active_day from {{ ref('fact_transactions') }}
),

span as (
    select
        min(active_day) as first_day,
        max(active_day) as last_day
    from active_days
),

-- A spine ends before its end, and the facts may hold the day of the latest timestamp.
calendar as (
    {{ dbt_utils.date_spine(
        'day',
        "date '" ~ var('earliest_date') ~ "'",
        'date_add(' ~ latest_timestamp() ~ ', 1)'
    ) }}
),

days as (
    select cast(calendar.date_day as date) as date
    from calendar
    inner join span on calendar.date_day between span.first_day and span.last_day
),

final as (
    select
        date,
        year(date) as year,
        month(date) as month,
        day(date) as day,
        date_format(date, 'E') as day_of_week,
        weekofyear(date) as week_of_year,
        date_format(date, 'MMMM') as month_name,
        quarter(date) as quarter,
        weekday(date) >= 5 as is_weekend
    from days
)

select * from final
