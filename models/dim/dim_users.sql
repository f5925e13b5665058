{{ config(
    partition_by=['user_bucket'],
    meta={'exact': {
        'inputs': {'stg_users': 'all'},
        'left_out': {'stg_users': clean('user_id') ~ ' is null'},
    }},
) }}

with

users as (select * from {{ ref('stg_users') }} where user_id is not null),

bucketed as (
    select /*+ repartition(user_bucket) */
        *,
        {{ user_bucket('user_id') }} as user_bucket
    from users
),

ranked as (
    select
        *,
        row_number() over (
            partition by user_bucket, user_id
            order by
                updated_at desc nulls last,
                email asc nulls last,
                city asc nulls last,
                name asc nulls last,
                phone asc nulls last,
                age asc nulls last
        ) as recency
    from bucketed
),

final as (
    select
        user_id,
        name,
        email,
        city,
        phone,
        age,
        updated_at,
        user_bucket
    from ranked
    where recency = 1
)

select * from final
