{{ config(
    partition_by=['tx_date'],
    meta={'exact': {'inputs': {'stg_transactions': 'day'}, 'restated_by': users_attributes()}},
) }}

with

transactions as (select * from {{ ref('stg_transactions') }} where reason is null),

users as (select * from {{ ref('dim_users') }}),

final as (
    select {{ broadcast('users', 'dim_users') }}
        transactions.tx_id,
        transactions.user_id,
        transactions.amount,
        transactions.status,
        transactions.created_at,
        transactions.delivered_at,
        users.city as user_city,
        users.age as user_age,
        users.email as user_email,
        transactions.tx_date
    from transactions
    left join users on transactions.user_id = users.user_id
)

select * from final
