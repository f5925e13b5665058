{{ config(
    partition_by=['rejected_date'],
    meta={'exact': {
        'inputs': {'stg_transactions': rejected_partition('day')},
        'complete_in': 'fact_transactions',
    }},
) }}

-- depends_on: {{ ref('fact_transactions') }}, whose days without a missing row need no look
with

transactions as (select * from {{ ref('stg_transactions') }} where reason is not null),

final as (
    select
        silver_tx_id as tx_id,
        silver_user_id as user_id,
        silver_amount as amount,
        silver_status as status,
        silver_created_at as created_at,
        silver_delivered_at as delivered_at,
        reason,
        {{ this_invocation() }} as invocation_id,
        {{ rejected_partition('tx_date') }} as rejected_date
    from transactions
)

select * from final
