"""The Gold contract as arrow schemas, and the comparison of two tables row by row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

EXAMPLES = 5  # rows shown of each side of a difference

_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal(18,2)": pa.decimal128(18, 2),
    "decimal(28,2)": pa.decimal128(28, 2),
}


def _schema(columns: str) -> pa.Schema:
    """The schema of one line of the contract: `name type [NN]`, separated by `·`."""
    fields = (column.split() for column in columns.split("·"))
    return pa.schema([pa.field(name, _TYPES[kind], not nn) for name, kind, *nn in fields])


# The business columns of the contract, in its words; partition columns stand last.
GOLD_SCHEMAS: dict[str, pa.Schema] = {
    "dim_users": _schema(
        "user_id string NN · name string · email string · city string · phone string · age int"
        " · updated_at timestamp"
    ),
    "dim_country": _schema("country string NN · country_name string · region string"),
    "dim_status": _schema("status string NN · is_delivered boolean NN · description string"),
    "dim_date": _schema(
        "date date NN · year int · month int · day int · day_of_week string · week_of_year int"
        " · month_name string · quarter int · is_weekend boolean"
    ),
    "fact_events": _schema(
        "event_id string NN · user_id string · ts timestamp NN · country string"
        " · user_city string · user_age int · user_email string · event_date date NN"
    ),
    "fact_transactions": _schema(
        "tx_id string NN · user_id string · amount decimal(18,2) NN · status string"
        " · created_at timestamp NN · delivered_at timestamp"
        " · user_city string · user_age int · user_email string · tx_date date NN"
    ),
    "fact_user_activity": _schema(
        "user_id string NN · events_count bigint NN · transactions_count bigint NN"
        " · total_revenue decimal(28,2) NN · avg_transaction_amount decimal(18,2) NN"
        " · first_event_at timestamp · last_event_at timestamp · activity_date date NN"
    ),
    "daily_revenue": _schema(
        "date date NN · total_revenue decimal(28,2) NN · transaction_count bigint NN"
        " · delivered_order_count bigint NN · average_order_value decimal(18,2) NN"
        " · month string NN"
    ),
    "daily_active_users": _schema(
        "date date NN · event_active_users bigint NN · tx_active_users bigint NN"
        " · total_active_users bigint NN · month string NN"
    ),
    "user_ltv": _schema(
        "user_id string NN · first_event timestamp · last_event timestamp · event_count bigint NN"
        " · transaction_count bigint NN · total_revenue decimal(28,2) NN"
        " · average_order_value decimal(18,2) NN · ltv decimal(28,2) NN"
    ),
    "rejected_events": _schema(
        "event_id string · user_id string · ts string · country string · reason string NN"
    ),
    "rejected_transactions": _schema(
        "tx_id string · user_id string · amount string · status string · created_at string"
        " · delivered_at string · reason string NN"
    ),
}

_FOLDERS = {"dim": "dim", "fact": "fact", "rejected": "audit"}

# Each table's folder below GOLD_BASE: dim/dim_users, mart/user_ltv, audit/rejected_events.
PATHS: dict[str, str] = {
    table: f"{_FOLDERS.get(table.split('_')[0], 'mart')}/{table}" for table in GOLD_SCHEMAS
}


def folder_values(file: Path, root: Path) -> dict[str, str | None]:
    """What the `key=value` folders between `root` and `file` say, decoded, in path order."""
    pairs = (part.split("=", 1) for part in file.relative_to(root).parts[:-1] if "=" in part)
    return {
        key: None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
        for key, value in pairs
    }


def read_table(path: Path, drop: Iterable[str] = (), types: pa.Schema | None = None) -> pa.Table:
    """Read a Gold table: the columns of its files, then those of its folders, without `drop`.

    A folder column has its type in `types` (by default the contract's schema of the table that
    `path` ends in), or else is a string. INT96, an instant to Spark, is read as a UTC timestamp.
    Hidden files and folders are skipped, as Spark does. A folder of the contract without files
    is an empty table. Raises FileNotFoundError when there is nothing to read, and
    pyarrow.ArrowInvalid when files disagree on the schema.
    """
    types = GOLD_SCHEMAS.get(path.name, pa.schema([])) if types is None else types
    files = sorted(
        file
        for file in path.rglob("*.parquet")
        if not any(part[0] in "._" for part in file.relative_to(path).parts)
    )
    if not files and not (path.is_dir() and len(types)):
        raise FileNotFoundError(f"no parquet file below {path}")
    tables = [_read_file(file, path, types) for file in files] or [types.empty_table()]
    table = pa.concat_tables(tables)
    return table.drop_columns([name for name in drop if name in table.column_names])


def _read_file(file: Path, root: Path, types: pa.Schema) -> pa.Table:
    parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
    table = parquet.read()
    for index, name in enumerate(table.column_names):
        if parquet.schema.column(index).physical_type == "INT96":
            instant = table.column(index).cast(_TYPES["timestamp"])
            table = table.set_column(index, name, instant)
    for key, value in folder_values(file, root).items():
        kind = types.field(key).type if key in types.names else pa.string()
        column = pa.array([value] * table.num_rows, pa.string()).cast(kind)
        table = table.append_column(key, column)
    return table


def differences(name: str, expected: pa.Table, actual: pa.Table) -> list[str]:
    """How `actual` differs from `expected`, in readable lines that open with `name`; [] if equal.

    Column names, order and types come first; when they agree, the rows are compared as multisets
    (NULL equals NULL) and each side shows a count and up to EXAMPLES of the rows it alone has.
    Nullability of the arrow schemas is not compared.
    """
    if expected.column_names != actual.column_names:
        return [f"{name}: columns {actual.column_names}, expected {expected.column_names}"]
    wrong = [
        f"{name}.{want.name}: type {got.type}, expected {want.type}"
        for want, got in zip(expected.schema, actual.schema, strict=True)
        if want.type != got.type
    ]
    return wrong or [
        *_surplus(f"{name}: missing", expected, actual),
        *_surplus(f"{name}: unexpected", actual, expected),
    ]


def _surplus(title: str, left: pa.Table, right: pa.Table) -> list[str]:
    """The rows that `left` has more often than `right`: a line with their number, then examples."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("l", left)
        con.register("r", right)
        con.execute("create table surplus as from l except all from r")
        (count,) = con.execute("select count(*) from surplus").fetchone() or (0,)
        rows = con.execute(
            f"select columns(*)::varchar from surplus order by all limit {EXAMPLES}"
        ).fetchall()
    if not count:
        return []
    texts = (zip(left.column_names, row, strict=True) for row in rows)
    return [
        f"{title} {count} row{'s' if count > 1 else ''}",
        *("  " + ", ".join(f"{key}={value!r}" for key, value in text) for text in texts),
    ]
