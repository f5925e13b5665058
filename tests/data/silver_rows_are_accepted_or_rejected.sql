-- Guards against rows that are lost or made up between Silver and Gold: of each day, as many rows
-- in Silver as in the fact and among the rejected. Rows without a valid timestamp have no day.
{% set datasets = [
    ('events', 'ts', 'event_date'),
    ('transactions', 'created_at', 'tx_date'),
] -%}
with

counted as (
    {%- for dataset, moment, day in datasets %}
    select
        '{{ dataset }}' as dataset,
        {{ utc_day(moment) }} as day,
        1 as silver_rows,
        0 as gold_rows
    from {{ source('silver', dataset) }}
    union all
    select
        '{{ dataset }}' as dataset,
        {{ day }} as day,
        0 as silver_rows,
        1 as gold_rows
    from {{ ref('fact_' ~ dataset) }}
    union all
    select
        '{{ dataset }}' as dataset,
        try_cast(rejected_date as date) as day,
        0 as silver_rows,
        1 as gold_rows
    from {{ ref('rejected_' ~ dataset) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    dataset,
    day,
    sum(silver_rows) as silver_rows,
    sum(gold_rows) as gold_rows
from counted
where {{ recent('day') }} {{ files_of_recent_days() }}
group by dataset, day
having sum(silver_rows) != sum(gold_rows)
