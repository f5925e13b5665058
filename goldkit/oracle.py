"""All of Gold computed from Silver with DuckDB: a second opinion, written from the contract (docs/gold.md) alone.

Nothing here is shared with the dbt models, so that a mistake in one of them shows as a difference.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pyarrow as pa

from goldkit.compare import GOLD_SCHEMAS, folder_values

SEEDS = Path(__file__).parents[1] / "seeds"

USED = {
    "events": ("event_id", "user_id", "ts", "country"),
    "users": ("user_id", "name", "email", "city", "phone", "age", "updated_at"),
    "transactions": ("tx_id", "user_id", "amount", "status", "created_at", "delivered_at"),
}

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_ZONE = r"( UTC|Z| ?[+-](0\d|1[0-8])(:?[0-5]\d)?)"
_TIME = rf"([01]?\d|2[0-3])(:[0-5]?\d(:[0-5]?\d(\.\d+)?{_ZONE}?)?)?"
_MOMENT = rf"\d{{4}}-\d\d?-\d\d?([ T]{_TIME})?"

# Sanitation: `raw` is the text that Silver held; what does not parse is NULL. DuckDB's own trim()
# takes every Unicode space, and its casts are laxer than these patterns (1_000, 24:00:00).
_MACROS = rf"""
create macro text(raw) as nullif(trim(raw, ' '), '');

create macro matching(raw, pattern) as
    case when regexp_full_match(text(raw), pattern) then text(raw) end;

create macro money(raw) as try_cast(matching(raw, '{_NUMBER}') as decimal(18, 2));

create macro exactly(number) as
    case when try_cast(number as int) = number then try_cast(number as int) end;

create macro whole(raw) as exactly(try_cast(matching(raw, '{_NUMBER}') as decimal(38, 20)));

create macro in_range(moment) as
    case when moment between getvariable('earliest') and getvariable('latest') then moment end;

-- Spark takes an hour alone, and a space before the zone.
create macro for_duckdb(raw) as
    regexp_replace(regexp_replace(raw, '([ T][0-9]+)$', '\1:00'), ' ([+-])', '\1');

create macro moment(raw) as
    in_range(try_cast(for_duckdb(matching(raw, '{_MOMENT}')) as timestamptz)::timestamp);

-- Text of a moment as Silver's readers spell it: DuckDB has (BC) and no sign.
create macro years(number) as
    case when number < 0 then '-' when number > 9999 then '+' else '' end
    || case when abs(number) > 9999 then abs(number)::varchar else lpad(abs(number)::varchar, 4, '0') end;

create macro spelled(moment) as
    years(year(moment)) || regexp_replace(replace(moment::varchar, ' (BC)', ''), '^[0-9]+', '');

-- Nanoseconds are cut off, before 1970 too.
create macro micros(nanos) as
    make_timestamp((epoch_ns(nanos) // 1000 - (epoch_ns(nanos) % 1000 < 0)::int)::bigint);

-- In whole cents, because division of decimals goes through doubles. Half away from zero.
create macro average(total, n) as
    case when n = 0 then 0 else
        sign(total)::decimal(1, 0)
        * ((200 * abs(total)::decimal(28, 2) + n)::hugeint // (2 * n))::decimal(20, 0)
        * 0.01
    end;
"""

# One query a table, each reading those above it. `events` and `transactions` hold every row of
# Silver, with `raw`, the row as it was, and `reason`, which is NULL for an accepted row.
_TABLES = {
    "events": """
        with parsed as (
            select
                raw_events as raw,
                text(event_id) as event_id,
                text(user_id) as user_id,
                moment(ts) as ts,
                text(country) as country
            from raw_events
        ),
        judged as (
            select
                *,
                case
                    when event_id is null then 'missing_id'
                    when ts is null then 'invalid_timestamp'
                end as fault
            from parsed
        )
        select
            *,
            row_number() over (
                partition by fault, event_id, ts::date order by ts, user_id, country
            ) as delivery,
            case when fault is null and delivery > 1 then 'duplicate' else fault end as reason
        from judged
    """,
    "transactions": """
        with parsed as (
            select
                raw_transactions as raw,
                text(tx_id) as tx_id,
                text(user_id) as user_id,
                money(amount) as amount,
                lower(text(status)) as status,
                moment(created_at) as created_at,
                moment(delivered_at) as delivered_at
            from raw_transactions
        ),
        judged as (
            select
                *,
                case
                    when tx_id is null then 'missing_id'
                    when created_at is null then 'invalid_timestamp'
                    when amount is null then 'invalid_amount'
                end as fault
            from parsed
        )
        select
            *,
            row_number() over (
                partition by fault, tx_id, created_at::date
                order by delivered_at desc, created_at desc, amount desc, status, user_id
            ) as delivery,
            case when fault is null and delivery > 1 then 'duplicate' else fault end as reason
        from judged
    """,
    "rejected_events": "select unnest(raw), reason from events where reason is not null",
    "rejected_transactions": """
        select unnest(raw), reason from transactions where reason is not null
    """,
    "dim_users": """
        with versions as (
            select
                text(user_id) as user_id,
                text(name) as name,
                text(email) as email,
                text(city) as city,
                text(phone) as phone,
                whole(age) as age,
                moment(updated_at) as updated_at
            from raw_users
        )
        select * from versions
        where user_id is not null
        qualify row_number() over (
            partition by user_id order by updated_at desc, email, city, name, phone, age
        ) = 1
    """,
    "fact_events": """
        select
            event_id,
            user_id,
            ts,
            country,
            city as user_city,
            age as user_age,
            email as user_email,
            ts::date as event_date
        from events left join dim_users using (user_id)
        where reason is null
    """,
    "fact_transactions": """
        select
            tx_id,
            user_id,
            amount,
            status,
            created_at,
            delivered_at,
            city as user_city,
            age as user_age,
            email as user_email,
            created_at::date as tx_date
        from transactions left join dim_users using (user_id)
        where reason is null
    """,
    # Both facts under one another: an event has a ts and no amount, a transaction the reverse.
    "activity": """
        select user_id, event_date as day, ts, null::decimal(18, 2) as amount from fact_events
        union all
        select user_id, tx_date, null, amount from fact_transactions
    """,
    "dim_country": """
        select country, country_name, region
        from (select distinct country from fact_events where country is not null)
        left join countries using (country)
    """,
    "dim_status": """
        select status, status = 'delivered' as is_delivered, description
        from (select distinct status from fact_transactions where status is not null)
        left join statuses using (status)
    """,
    "dim_date": """
        select
            day::date as date,
            year(day) as year,
            month(day) as month,
            day(day) as day,
            strftime(day, '%a') as day_of_week,
            weekofyear(day) as week_of_year,
            strftime(day, '%B') as month_name,
            quarter(day) as quarter,
            isodow(day) > 5 as is_weekend
        from (select unnest(range(min(day), max(day) + 1, interval 1 day)) as day from activity)
    """,
    "fact_user_activity": """
        select
            user_id,
            count(ts) as events_count,
            count(amount) as transactions_count,
            coalesce(sum(amount), 0) as total_revenue,
            average(sum(amount), count(amount)) as avg_transaction_amount,
            min(ts) as first_event_at,
            max(ts) as last_event_at,
            day as activity_date
        from activity
        where user_id is not null
        group by user_id, day
    """,
    "daily_revenue": """
        select
            tx_date as date,
            sum(amount) as total_revenue,
            count(*) as transaction_count,
            count(*) filter (status = 'delivered') as delivered_order_count,
            average(sum(amount), count(*)) as average_order_value,
            strftime(tx_date, '%Y-%m') as month
        from fact_transactions
        group by tx_date
    """,
    "daily_active_users": """
        select
            day as date,
            count(distinct user_id) filter (ts is not null) as event_active_users,
            count(distinct user_id) filter (amount is not null) as tx_active_users,
            count(distinct user_id) as total_active_users,
            strftime(day, '%Y-%m') as month
        from activity
        where user_id is not null
        group by day
    """,
    "user_ltv": """
        select
            user_id,
            min(ts) as first_event,
            max(ts) as last_event,
            count(ts) as event_count,
            count(amount) as transaction_count,
            coalesce(sum(amount), 0) as total_revenue,
            average(sum(amount), count(amount)) as average_order_value,
            total_revenue as ltv
        from activity
        where user_id is not null
        group by user_id
    """,
}


def gold(
    silver: Path,
    *,
    now: datetime,
    earliest: date = date(2000, 1, 1),
    countries: Path = SEEDS / "countries.csv",
    statuses: Path = SEEDS / "order_statuses.csv",
) -> dict[str, pa.Table]:
    """Every table of the contract by name, in its schema (GOLD_SCHEMAS), rows in no order.

    `silver` holds the folders events, users and transactions, each with any parquet files below
    it. `now` is the time of the run, UTC when naive. The rejected tables carry the raw text and
    `reason`. Raises FileNotFoundError for a dataset without files, duckdb.Error for a file that
    is no parquet (both name it), and ValueError where a column that is never NULL would be.
    """
    latest = (now.astimezone(timezone.utc) if now.tzinfo else now).replace(tzinfo=None) + timedelta(days=1)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'; set default_null_order = 'nulls_last'")
        con.execute("set variable earliest = ?::timestamp", [earliest])
        con.execute("set variable latest = ?::timestamp", [latest])
        con.execute(_MACROS)
        for seed, path in {"countries": countries, "statuses": statuses}.items():
            con.read_csv(str(path), header=True, all_varchar=True).create(seed)
        for dataset, columns in USED.items():
            _read(con, silver / dataset, columns)
        for table, query in _TABLES.items():
            con.execute(f"create table {table} as {query}")
        return {
            table: con.table(table).to_arrow_table().select(schema.names).cast(schema)
            for table, schema in GOLD_SCHEMAS.items()
        }


def _read(con: duckdb.DuckDBPyConnection, folder: Path, columns: tuple[str, ...]) -> None:
    """Make the table raw_<folder>: `columns` as text, from every parquet file below `folder`."""
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"no parquet file below {folder}")
    raw = f"raw_{folder.name}"
    con.execute(f"create table {raw} ({', '.join(f'{name} varchar' for name in columns)})")
    for file in files:
        rows = con.read_parquet(str(file), binary_as_string=True, hive_partitioning=False)
        kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
        values = folder_values(file, folder)
        rows.project(
            ", ".join(
                _as_text(name, kinds[name]) if name in kinds else _literal(values.get(name))
                for name in columns
            )
        ).insert_into(raw)


def _as_text(column: str, kind: str) -> str:
    """The SQL that spells a column of DuckDB type `kind` as Silver's readers do."""
    if kind == "TIMESTAMP_NS":
        return f"spelled(micros({column}))"
    if kind.startswith("TIMESTAMP"):  # to microseconds and without the zone, which is UTC
        return f"spelled({column}::timestamp)"
    if kind == "DATE":
        return f"spelled({column})"
    if kind in ("FLOAT", "DOUBLE"):
        return f"replace(replace({column}::varchar, 'nan', 'NaN'), 'inf', 'Infinity')"
    return f"{column}::varchar"


def _literal(value: str | None) -> str:
    return "null::varchar" if value is None else "'" + value.replace("'", "''") + "'"
