-- Guards against a day that came in part, and against a dataset that stopped: of each fact, the last
-- days with far fewer rows than is usual, which is the median of the same weekday in the four weeks
-- before. A day is judged once there are three such weekdays. Rows are taken from the manifest, which
-- has them for each day, so that no table is read. Asked once a day, also where nothing is new: that is
-- what a dataset that stopped looks like.
-- depends_on: {{ ref('fact_events') }}, {{ ref('fact_transactions') }}
{% set last = run_started_at - modules.datetime.timedelta(days=var('watch_delay') | int) -%}
{% set first = last - modules.datetime.timedelta(days=var('watch_days') | int - 1) -%}
{% set earliest = first - modules.datetime.timedelta(days=28) -%}
with

recorded as (
    select
        model,
        try_cast(partition as date) as day,
        max_by(if(code is null, 0, rows), recorded_at) as row_count
    from {{ exact.log_table('manifest') }}
    where
        model in ('fact_events', 'fact_transactions')
        and action != 'test'
        and partition <= '{{ last.strftime("%Y-%m-%d") }}'
    group by model, partition
),

days as (
    select
        model,
        explode(sequence(
            greatest(min(day), date '{{ earliest.strftime("%Y-%m-%d") }}'),
            date '{{ last.strftime("%Y-%m-%d") }}'
        )) as day
    from recorded
    group by model
),

compared as (
    select
        days.model,
        days.day,
        coalesce(recorded.row_count, 0) as row_count,
        percentile(coalesce(recorded.row_count, 0), 0.5) over same_weekday as usual_row_count,
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
    row_count,
    usual_row_count
from compared
where
    day >= date '{{ first.strftime("%Y-%m-%d") }}'
    and weekdays >= 3
    and usual_row_count >= {{ var('watch_rows') }}
    and row_count < {{ var('watch_share') }} * usual_row_count
