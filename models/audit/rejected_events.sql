{{ config(
    partition_by=['rejected_date'],
    meta={
        'inputs': {'silver.events': "coalesce(cast(day as string), 'unknown')"},
        'complete_in': 'fact_events',
    },
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
        coalesce(cast(event_date as string), 'unknown') as rejected_date
    from events
)

select * from final
