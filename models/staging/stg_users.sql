with

source as (select * from {{ source('silver', 'users') }}),

final as (
    select
        {{ clean('user_id') }} as user_id,
        {{ personal(clean('name')) }} as name,
        {{ personal(clean('email')) }} as email,
        {{ clean('city') }} as city,
        {{ personal(clean('phone')) }} as phone,
        {{ clean('age', 'int') }} as age,
        {{ clean('updated_at', 'timestamp') }} as updated_at
    from source
)

select * from final
