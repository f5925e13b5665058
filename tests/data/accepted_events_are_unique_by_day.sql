-- Guards against a fact with rows that have no id or day, or share both. Of staging alone, so that
-- dbt runs it before the fact is built, and a fault in the removal of duplicates never reaches it.
select
    event_id,
    event_date,
    count(*) as copies
from {{ ref('stg_events') }}
where reason is null and {{ recent('event_date') }} {{ files_of_recent_days() }}
group by event_id, event_date
having count(*) > 1 or event_id is null or event_date is null
