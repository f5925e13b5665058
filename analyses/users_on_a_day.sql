-- What was known of each user at the end of a day: dbt show --select users_on_a_day --vars '{day: 2024-02-29}'
with

versions as (select * from {{ ref('users_history') }}),

final as (
    select
        user_id,
        name,
        email,
        city,
        phone,
        age,
        updated_at
    from versions
    where
        dbt_valid_from < date'{{ var("day", run_started_at.date()) }}' + interval 1 day
        and (dbt_valid_to is null or dbt_valid_to >= date'{{ var("day", run_started_at.date()) }}' + interval 1 day)
)

select * from final
order by user_id
