{{ config(meta={'exact': {'inputs': ['fact_events', 'countries']}}) }}

with

events as (select * from {{ ref('fact_events') }}),

countries as (select * from {{ ref('countries') }}),

seen as (select distinct country from events where country is not null),

final as (
    select
        seen.country,
        countries.country_name,
        countries.region
    from seen
    left join countries on seen.country = countries.country
)

select * from final
