-- Guards against a calendar with gaps, or one that starts late, ends early or reaches beyond the
-- facts: its ends are theirs, and it is as long as its ends say.
with

calendar as (
    select
        min(date) as first_day,
        max(date) as last_day,
        count(*) as day_count
    from {{ ref('dim_date') }}
),

active_days as (
    select event_date as day from {{ ref('fact_events') }}
    union all
    select tx_date as day from {{ ref('fact_transactions') }}
),

facts as (
    select
        min(day) as first_day,
        max(day) as last_day
    from active_days
)

select
    calendar.first_day,
    calendar.last_day,
    calendar.day_count,
    facts.first_day as first_active_day,
    facts.last_day as last_active_day
from calendar
cross join facts
where
    not calendar.first_day <=> facts.first_day
    or not calendar.last_day <=> facts.last_day
    or calendar.day_count != coalesce(datediff(calendar.last_day, calendar.first_day) + 1, 0)
