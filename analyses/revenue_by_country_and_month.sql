-- Revenue and delivered orders by country and month. A transaction has no country: it takes the one
-- from which its user has most events, and none where the user is unknown or never seen.
with

events as (select * from {{ ref('fact_events') }}),

transactions as (select * from {{ ref('fact_transactions') }}),

countries as (select * from {{ ref('dim_country') }}),

user_countries as (
    select
        user_id,
        country,
        row_number() over (partition by user_id order by count(*) desc, country asc) as choice
    from events
    where user_id is not null and country is not null
    group by user_id, country
),

homes as (
    select
        user_countries.user_id,
        countries.region,
        coalesce(countries.country_name, user_countries.country) as country
    from user_countries
    left join countries on user_countries.country = countries.country
    where user_countries.choice = 1
),

final as (
    select
        date_format(transactions.tx_date, 'yyyy-MM') as month,
        homes.region,
        homes.country,
        count(distinct transactions.user_id) as buyers,
        count(*) as transaction_count,
        count_if(transactions.status = 'delivered') as delivered_order_count,
        sum(transactions.amount) as revenue
    from transactions
    left join homes on transactions.user_id = homes.user_id
    group by month, homes.region, homes.country
)

select * from final
order by month asc, revenue desc
