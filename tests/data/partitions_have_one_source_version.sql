-- Guards against a partition that holds rows of two builds, as a write that was cut short may leave: each partition
-- was built at once, from one set of files, which source_version names.
with

{% set tables = [
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
partitions as (
    {%- for table, partition in tables %}
    select
        '{{ table }}' as model,
        cast({{ partition }} as string) as partition,
        min(source_version) as lowest_version,
        max(source_version) as highest_version
    from {{ ref(table) }}
    {{ 'where ' ~ recent(partition) if partition in ('event_date', 'tx_date', 'activity_date') }}
    group by 1, 2
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select *
from partitions
where not lowest_version <=> highest_version or lowest_version is null
