{{ config(meta={'exact': {'inputs': ['days', 'places']}}) }}

with days as (
    select
        sensor,
        min(day) as first_day,
        sum(readings) as readings
    from {{ ref('days') }}
    group by sensor
)

select
    days.sensor,
    places.place,
    days.first_day,
    days.readings
from days
left join {{ ref('places') }} as places on days.sensor = places.sensor
