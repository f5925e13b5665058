-- What was known of each user at the end of a day, by default of today:
-- dbt show --select users_on_a_day --vars '{day: 2024-02-29}'
with

asked as (
    select
        coalesce(try_cast('{{ var("day", "") }}' as date), current_date())
        + interval 1 day as ending
),

versions as (select * from {{ ref('users_history') }}),

final as (
    select
        versions.user_id,
        versions.name,
        versions.email,
        versions.city,
        versions.phone,
        versions.age,
        versions.updated_at
    from versions
    cross join asked
    where
        versions.dbt_valid_from < asked.ending
        and (versions.dbt_valid_to is null or versions.dbt_valid_to >= asked.ending)
)

select * from final
order by user_id
