-- What `make report` asks of Gold, as DuckDB's table macros: each is a table with parameters.

-- The first and the last day, and how many there are.
create macro calendar() as table
select
    min(date) as first,
    max(date) as last,
    max(date) - min(date) + 1 as days
from (
    select date from dim_date
    union all
    select date from daily_revenue
    union all
    select date from daily_active_users
);

-- One row per day, with the day or week that it is shown in.
create macro calendar_days(step, first_day, last_day) as table
select
    day,
    greatest(date_trunc(step, day)::date, first_day::date) as start
from (
    select unnest(generate_series(first_day::timestamp, last_day::timestamp, interval 1 day))::date as day
);

-- One row per day or week. Weeks are averages of their days, so that one that has only begun is no dip.
create macro daily(step, first_day, last_day) as table
select
    start,
    max(day) + 1 as until,
    count(*) as days,
    coalesce(sum(total_revenue), 0)::double / count(*) as revenue,
    coalesce(sum(delivered_order_count), 0)::double / count(*) as delivered,
    coalesce(sum(transaction_count - delivered_order_count), 0)::double / count(*) as others,
    coalesce(sum(total_active_users), 0)::double / count(*) as users,
    coalesce(sum(tx_active_users), 0)::double / count(*) as buyers
from calendar_days(step, first_day, last_day)
left join daily_revenue on daily_revenue.date = day
left join daily_active_users on daily_active_users.date = day
group by start
order by start;

-- The figures of the headline, of so many days up to one.
create macro totals(last_day, days) as table
select
    coalesce(sum(total_revenue), 0)::double as revenue,
    coalesce(sum(transaction_count), 0)::bigint as orders,
    (
        select count(distinct user_id) from fact_user_activity
        where activity_date > last_day::date - days and activity_date <= last_day::date
    ) as users,
    sum(delivered_order_count)::double / nullif(sum(transaction_count), 0) as delivered
from daily_revenue
where date > last_day::date - days and date <= last_day::date;

-- One row per country of the events of so many days up to one.
create macro by_country(last_day, days) as table
select
    coalesce(country_name, country, 'Not given') as name,
    count(*) as value,
    count(distinct user_id) as users
from fact_events
left join dim_country using (country)
where event_date > last_day::date - days
group by 1
order by value desc, name;

-- One row per cohort, of the newest twelve, and step since its users came: what each has brought up to then.
create macro by_cohort(step, last_day) as table
with

cohorts as (
    select
        user_id,
        date_trunc(step, min(activity_date))::date as cohort
    from fact_user_activity
    group by user_id
),

sizes as (
    select
        cohort,
        count(*) as users
    from cohorts
    group by cohort
    order by cohort desc
    limit 12
),

sums as (
    select
        cohort,
        date_diff(step, cohort, date_trunc(step, activity_date)) as age,
        sum(total_revenue) as revenue
    from fact_user_activity
    inner join cohorts using (user_id)
    group by all
),

ages as (
    select
        cohort,
        users,
        unnest(generate_series(0, least(11, date_diff(step, cohort, last_day::date)))) as age
    from sizes
)

select
    cohort,
    users,
    age,
    coalesce(sum(revenue) over (partition by cohort order by age), 0)::double / users as value
from ages
left join sums using (cohort, age)
order by cohort, age;

-- Users, those of them with revenue, and how that is spread.
create macro user_values() as table
select
    (select count(*) from user_ltv) as users,
    count(*) as buyers,
    median(ltv)::double as half,
    quantile_cont(ltv::double, 0.99) as high,
    sum(ltv) filter (place <= ceil(total / 10))::double / sum(ltv)::double as share
from (
    select
        ltv,
        row_number() over (order by ltv desc) as place,
        count(*) over () as total
    from user_ltv
    where ltv > 0
);

-- One row per bin of revenue; the last of them has no upper end.
create macro value_bins(size, bins) as table
select
    least(floor(ltv::double / size), bins - 1)::int as bin,
    count(*) as value
from user_ltv
where ltv > 0
group by bin
order by bin;

-- One row per rejected row; one of no day has none.
create macro rejected() as table
select 'events' as dataset, reason, try_cast(rejected_date as date) as day from rejected_events
union all
select 'transactions' as dataset, reason, try_cast(rejected_date as date) as day from rejected_transactions;

-- One row per dataset and reason, with the share of Silver's rows.
create macro rejected_by_reason() as table
select
    dataset,
    reason,
    count(*) as value,
    count(*) filter (day is null) as of_no_day,
    value / (sum(value) over (partition by dataset) + case
        when dataset = 'events' then (select count(*) from fact_events)
        else (select count(*) from fact_transactions)
    end) as share
from rejected()
group by dataset, reason
order by dataset, value desc, reason;

-- One row per day or week, an average of days as above.
create macro rejected_daily(step, first_day, last_day) as table
select
    start,
    max(day) + 1 as until,
    count(distinct day) as days,
    count(*) filter (reason = 'duplicate') / count(distinct day) as duplicate,
    count(*) filter (reason = 'missing_id') / count(distinct day) as missing_id,
    count(*) filter (reason = 'invalid_amount') / count(distinct day) as invalid_amount
from calendar_days(step, first_day, last_day)
left join rejected() using (day)
group by start
order by start;

-- One row per run, the newest first, with the reasons of each of its tables.
create macro runs() as table
select
    invocation_id,
    min(run_started_at)::timestamp as started,
    sum(partitions_checked)::bigint as checked,
    sum(partitions_rebuilt)::bigint as rebuilt,
    sum(partitions_dropped)::bigint as dropped,
    sum(rows_written)::bigint as written,
    sum(seconds)::double as seconds,
    list({'reasons': reasons, 'rebuilt': partitions_rebuilt}) as parts
from run_metrics
group by invocation_id
order by started desc
limit 30;

-- One row per table that a run ever wrote to: when, and why.
create macro last_rebuilt() as table
select
    model,
    max(run_started_at)::timestamp as at,
    arg_max(reasons, run_started_at) as reasons
from run_metrics
where partitions_rebuilt + partitions_dropped > 0
group by model;

-- The last day of each fact, so that the next macro opens the files of one day.
create macro last_days() as table
select
    (select max(event_date) from fact_events) as events_day,
    (select max(tx_date) from fact_transactions) as transactions_day;

-- One row per dataset: its newest moment.
create macro newest(events_day, transactions_day) as table
select 'events' as name, 'fact_events' as entered, max(ts)::timestamp as at
from fact_events where event_date = events_day::date
union all
select 'transactions' as name, 'fact_transactions' as entered, max(created_at)::timestamp as at
from fact_transactions where tx_date = transactions_day::date
union all
select 'users' as name, 'dim_users' as entered, max(updated_at)::timestamp as at
from dim_users;
