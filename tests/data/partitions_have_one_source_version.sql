-- Guards against a partition that holds rows of two builds, as a write that was cut short may
-- leave: a partition is built at once, from one set of files, which source_version names.
{% set partitions = [
    ('fact_events', 'event_date'),
    ('fact_transactions', 'tx_date'),
    ('fact_user_activity', 'activity_date'),
    ('daily_revenue', 'month'),
    ('daily_active_users', 'month'),
    ('user_ltv', 'user_bucket'),
    ('dim_users', 'user_bucket'),
    ('rejected_events', 'rejected_date'),
    ('rejected_transactions', 'rejected_date'),
] -%}
with

versions as (
    {%- for gold_table, column in partitions %}
    select
        '{{ gold_table }}' as gold_table,
        cast({{ column }} as string) as partition_value,
        min(source_version) as lowest_version,
        max(source_version) as highest_version
    from {{ ref(gold_table) }}
    where {{ recent(column) if column in ('event_date', 'tx_date', 'activity_date') else 'true' }}
    group by {{ column }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from versions
where not lowest_version <=> highest_version or lowest_version is null
