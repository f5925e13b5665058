-- Guards against rows that are lost or made up between Silver and Gold: of each day, as many rows in Silver as in
-- the fact and in the rejected rows together. Rows without a valid timestamp are counted as of no day.
with

{% set datasets = [
    ('events', 'ts', 'event_date'),
    ('transactions', 'created_at', 'tx_date'),
] -%}
silver_rows as (
    {%- for dataset, moment, _ in datasets %}
    select '{{ dataset }}' as dataset, {{ utc_day(moment) }} as day, count(*) as silver_rows, 0 as gold_rows
    from {{ source('silver', dataset) }}
    group by 1, 2
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

gold_rows as (
    {%- for dataset, _, day in datasets %}
    select '{{ dataset }}' as dataset, {{ day }} as day, 0 as silver_rows, count(*) as gold_rows
    from {{ ref('fact_' ~ dataset) }}
    group by 1, 2
    union all
    select '{{ dataset }}' as dataset, try_cast(rejected_date as date) as day, 0 as silver_rows, count(*) as gold_rows
    from {{ ref('rejected_' ~ dataset) }}
    group by 1, 2
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

both as (
    select * from silver_rows
    union all
    select * from gold_rows
)

select
    dataset,
    day,
    sum(silver_rows) as silver_rows,
    sum(gold_rows) as gold_rows
from both
where {{ recent('day') }}
group by dataset, day
having sum(silver_rows) != sum(gold_rows)
