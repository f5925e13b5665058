{{ config(
    partition_by=['event_date'],
    meta={'exact': {'inputs': {'stg_events': 'day'}, 'restated_by': users_attributes()}},
) }}

with

events as (select * from {{ ref('stg_events') }} where reason is null),

users as (select * from {{ ref('dim_users') }}),

final as (
    select {{ broadcast('users', 'dim_users') }}
        events.event_id,
        events.user_id,
        events.ts,
        events.country,
        users.city as user_city,
        users.age as user_age,
        users.email as user_email,
        events.event_date
    from events
    left join users on events.user_id = users.user_id
)

select * from final
