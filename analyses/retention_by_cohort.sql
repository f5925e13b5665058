-- Of the users who were first active in a month, how many came back in each month after it.
with

user_days as (select * from {{ ref('fact_user_activity') }}),

user_months as (
    select distinct
        user_id,
        trunc(activity_date, 'month') as month
    from user_days
),

cohorts as (
    select
        user_id,
        min(month) as cohort
    from user_months
    group by user_id
),

sizes as (
    select
        cohort,
        count(*) as user_count
    from cohorts
    group by cohort
),

returns as (
    select
        cohorts.cohort,
        cast(months_between(user_months.month, cohorts.cohort) as int) as months_later,
        count(*) as active_users
    from user_months
    inner join cohorts on user_months.user_id = cohorts.user_id
    group by cohorts.cohort, months_later
),

final as (
    select
        returns.cohort,
        sizes.user_count,
        returns.months_later,
        returns.active_users,
        cast(returns.active_users / sizes.user_count as decimal(5, 4)) as retention
    from returns
    inner join sizes on returns.cohort = sizes.cohort
)

select * from final
order by cohort, months_later
