-- What the last run did to each table, and why: how much it looked at, how much it wrote, how long
-- it took.
with

run_metrics as (select * from {{ source('gold_audit', 'run_metrics') }}),

last_run as (
    select invocation_id
    from run_metrics
    order by run_started_at desc
    limit 1
),

final as (
    select
        run_metrics.run_started_at,
        run_metrics.model,
        run_metrics.partitions_checked,
        run_metrics.partitions_rebuilt,
        run_metrics.partitions_dropped,
        run_metrics.rows_written,
        run_metrics.rows_left_out,
        run_metrics.files,
        cast(run_metrics.bytes / 1048576 as decimal(18, 1)) as mebibytes,
        cast(run_metrics.seconds as decimal(18, 1)) as seconds,
        run_metrics.reasons
    from run_metrics
    inner join last_run on run_metrics.invocation_id = last_run.invocation_id
)

select * from final
order by seconds desc
