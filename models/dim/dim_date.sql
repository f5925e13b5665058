{{ config(meta={'exact': {'inputs': ['fact_events', 'fact_transactions']}}) }}

with

-- The first and the last day of each fact, which Spark knows from its partitions.
active_days as (
    select
        min(event_date) as first_day,
        max(event_date) as last_day
    from {{ ref('fact_events') }}
    union all
    select
        min(tx_date) as first_day,
        max(tx_date) as last_day
    from {{ ref('fact_transactions') }}
),

days as (
    select explode(sequence(min(first_day), max(last_day), interval 1 day)) as date
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
