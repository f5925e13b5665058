{{ config(partition_by=['day'], meta={'exact': {'inputs': {'lake.readings': 'day'}}}) }}

with readings as (
    select
        sensor,
        cast(try_cast(trim(taken_at) as timestamp) as date) as day,
        try_cast(celsius as decimal(5, 1)) as celsius
    from {{ source('lake', 'readings') }}
)

select
    sensor,
    count(*) as readings,
    max(celsius) as warmest,
    day
from readings
where day is not null
group by sensor, day
