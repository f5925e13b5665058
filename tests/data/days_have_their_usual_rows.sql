-- Guards against a day that came in part, and against a dataset that stopped: of each fact, the
-- last days with far fewer rows than is usual, which is the median of the same weekday in the four
-- weeks before. A day is judged once there are three such weekdays. Rows are taken from the
-- manifest, which has them for each day, so that no table is read. Asked once a day, also where
-- nothing is new: that is what a dataset that stopped looks like.
-- depends_on: {{ ref('fact_events') }}, {{ ref('fact_transactions') }}
{% set last = var('watch_delay') | int -%}
{% set first = last + var('watch_days') | int - 1 -%}
with

recorded as (
    select
        model,
        try_cast(partition as date) as day,
        max_by(if(code is null, 0, rows), recorded_at) as day_rows
    from {{ manifest() }}
    where
        model in ('fact_events', 'fact_transactions')
        and action != 'test'
        and partition <= '{{ days_before(last) }}'
    group by model, partition
),

days as (
    select
        model,
        explode(sequence(
            greatest(min(day), date '{{ days_before(first + 28) }}'),
            date '{{ days_before(last) }}'
        )) as day
    from recorded
    group by model
),

compared as (
    select
        days.model,
        days.day,
        coalesce(recorded.day_rows, 0) as day_rows,
        percentile(coalesce(recorded.day_rows, 0), 0.5) over same_weekday as usual_rows,
        count(*) over same_weekday as weekdays
    from days
    left join recorded on days.model = recorded.model and days.day = recorded.day
    window same_weekday as (
        partition by days.model, weekday(days.day)
        order by days.day
        rows between 4 preceding and 1 preceding
    )
)

select
    model,
    day,
    day_rows,
    usual_rows
from compared
where
    day >= date '{{ days_before(first) }}'
    and weekdays >= 3
    and usual_rows >= {{ var('watch_rows') }}
    and day_rows < {{ var('watch_share') }} * usual_rows
