with

active_days as (
    select event_date as active_day from {{ ref('fact_events') }}
    union all
    select tx_date as active_day from {{ ref('fact_transactions') }}
),

days as (
    select explode(sequence(min(active_day), max(active_day), interval 1 day)) as date
    from active_days
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
