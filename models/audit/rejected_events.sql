{{ config(
    partition_by=['rejected_date'],
    meta={'exact': {
        'inputs': {'stg_events': rejected_partition('day')},
        'complete_in': 'fact_events',
    }},
) }}

-- depends_on: {{ ref('fact_events') }}, whose days without a missing row need no look
with

events as (select * from {{ ref('stg_events') }} where reason is not null),

final as (
    select
        silver_event_id as event_id,
        silver_user_id as user_id,
        silver_ts as ts,
        silver_country as country,
        reason,
        {{ this_invocation() }} as invocation_id,
        {{ rejected_partition('event_date') }} as rejected_date
    from events
)

select * from final
