-- Guards against a fact with rows that have no id, amount or day, or share id and day. Of staging
-- alone, so that dbt runs it before the fact is built, and a fault in the removal of duplicates
-- never reaches it.
select
    tx_id,
    tx_date,
    count(*) as copies
from {{ ref('stg_transactions') }}
where reason is null and {{ recent('tx_date') }} {{ files_of_recent_days() }}
group by tx_id, tx_date
having count(*) > 1 or tx_id is null or tx_date is null or count(amount) != count(*)
