-- Which rows of Silver did not enter Gold, by dataset, run and reason, with an example to look for
-- in Silver. A run rejects what lies in the days that it rebuilt; an old run means unchanged days.
with

rejected_events as (select * from {{ ref('rejected_events') }}),

rejected_transactions as (select * from {{ ref('rejected_transactions') }}),

run_metrics as (select * from {{ source('gold_audit', 'run_metrics') }}),

runs as (
    select
        invocation_id,
        min(run_started_at) as run_started_at
    from run_metrics
    group by invocation_id
),

rejected as (
    select
        'events' as dataset,
        invocation_id,
        reason,
        rejected_date,
        to_json(struct(event_id, user_id, ts, country)) as example
    from rejected_events
    union all
    select
        'transactions' as dataset,
        invocation_id,
        reason,
        rejected_date,
        to_json(struct(tx_id, user_id, amount, status, created_at, delivered_at)) as example
    from rejected_transactions
),

final as (
    select
        rejected.dataset,
        runs.run_started_at,
        rejected.reason,
        count(*) as rejected_rows,
        min(rejected.rejected_date) as first_day,
        max(rejected.rejected_date) as last_day,
        min(rejected.example) as example
    from rejected
    left join runs on rejected.invocation_id = runs.invocation_id
    group by rejected.dataset, runs.run_started_at, rejected.reason
)

select * from final
order by dataset asc, run_started_at desc, rejected_rows desc
