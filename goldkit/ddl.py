"""SQL for Redshift and Athena, from the contracts: tables, and the load of the partitions that changed.

docs/redshift.md says how it is used. What a table is called, what its columns are and where it lies is
taken from dbt's manifest; which tables Redshift gets is what the exposure redshift_load depends on. The
load is SQL that PostgreSQL takes too, so that the tests run the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldkit.dbt import folder_of
from goldkit.environment import SetupError

# Silver decides how long a text is, and a shorter type would make one long name stop the load of its table.
_TEXT = "varchar(65535)"
_REDSHIFT = {
    "string": _TEXT,
    "boolean": "boolean",
    "int": "integer",
    "bigint": "bigint",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp",  # UTC, as in the files
}
WHOLE = "cast('whole table' as varchar)"
"""What the engine's manifest calls the one partition of a table that has none."""

LOADED = "loaded_partitions"
"""The table in Redshift that says which version of each partition was loaded."""

USER = "user_id"


@dataclass(frozen=True)
class Names:
    """What the contracts do not say: where Gold lies, and what things are called outside of it."""

    gold_base: str
    database: str = "gold"
    region: str = "eu-west-1"
    role: str = "default"
    schema: str = "gold"
    external_schema: str = "spectrum"

    def __post_init__(self) -> None:
        for what in (self.database, self.schema, self.external_schema):
            _check(what, "[a-z_][a-z0-9_]*", "a name in lower case, such as gold")
        _check(self.region, "[a-z]+(-[a-z]+)+-[0-9]", "a region, such as eu-west-1")
        _check(self.role, "default|arn:aws[a-z-]*:iam::[0-9]{12}:role/[^']+", "an IAM role's ARN, or default")
        _check(self.gold_base, "s3://[a-z0-9.-]+(/[^']*)?", "in S3, such as s3://company-gold")
        if self.schema == self.external_schema:
            raise SetupError(f"{self.schema} cannot be both the schema of the tables and the external one.")


def _check(value: str, pattern: str, wanted: str) -> None:
    if not re.fullmatch(pattern, value):
        raise SetupError(f"{value!r} is not {wanted}.")


@dataclass(frozen=True)
class Column:
    """A column of a contract."""

    name: str
    type: str
    description: str

    @property
    def redshift_type(self) -> str:
        """The type in Redshift, and in PostgreSQL. Athena calls these types as the contracts do."""
        return self.type if self.type.startswith("decimal(") else _REDSHIFT[self.type]


@dataclass(frozen=True)
class Table:
    """A table of Gold by its contract: its name, its folder below GOLD_BASE, its columns."""

    name: str
    folder: str
    description: str
    columns: tuple[Column, ...]
    partition: Column | None

    @property
    def distribution(self) -> tuple[str, str]:
        """How Redshift spreads the rows, and why."""
        if any(column.name == USER for column in self.columns):
            return f'distkey ("{USER}")', "joins and sums by user stay on a node"
        return "diststyle all", "a small table, on every node: no join moves its rows"

    @property
    def sorting(self) -> tuple[str, str]:
        """What Redshift sorts the rows by, and why."""
        if self.partition and self.partition.type == "date":
            return f'sortkey ("{self.partition.name}")', "queries of days, and the load, skip the blocks of others"
        first = self.columns[0].name
        if first == USER:
            return f'sortkey ("{first}")', "as it is spread, so that two such tables are joined without sorting"
        return f'sortkey ("{first}")', "its key, by which it is looked up"


def tables_of(manifest: Mapping[str, Any]) -> tuple[list[Table], list[Table]]:
    """Of dbt's manifest the tables that Redshift gets, and all that Athena sees: audit and logs too."""
    models = {
        key: _table(node, folder_of(node), (node["config"].get("partition_by") or [None])[0])
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["config"]["contract"]["enforced"]
    }
    sources = [
        _table(source, source["external"]["location"], None)
        for source in manifest["sources"].values()
        if source.get("external")
    ]
    (wanted,) = (node for node in manifest["exposures"].values() if node["name"] == "redshift_load")
    everything = sorted([*models.values(), *sources], key=lambda table: table.name)
    return [models[key] for key in wanted["depends_on"]["nodes"]], everything


def _table(node: Mapping[str, Any], folder: str, partition: str | None) -> Table:
    name = node.get("identifier") or node["alias"]
    columns = {
        column: Column(column, declared["data_type"].lower(), _line(declared["description"]))
        for column, declared in node["columns"].items()
    }
    for column in columns.values():
        if column.type not in _REDSHIFT and not re.fullmatch(r"decimal\([0-9]+,[0-9]+\)", column.type):
            raise SetupError(
                f"{name}.{column.name} is {column.type}, for which goldkit/ddl.py has no type of Redshift and Athena."
            )
    return Table(name, folder, _line(node["description"]), tuple(columns.values()), columns.get(partition or ""))


def _line(text: str) -> str:
    """A description as one line that needs no escape: engines differ in how they escape a quote."""
    return " ".join(text.split()).replace("'", "’")


# --- Redshift: tables ------------------------------------------------------------------------------


def redshift(tables: Sequence[Table], names: Names) -> Iterator[str]:
    """The statements that make the external schema, the tables, and what says what was loaded."""
    role = "default" if names.role == "default" else f"'{names.role}'"
    yield (
        f"create external schema if not exists {names.external_schema}\nfrom data catalog\n"
        f"database '{names.database}'\nregion '{names.region}'\niam_role {role}"
    )
    yield from schema(tables, names, keys=True)


def schema(tables: Sequence[Table], names: Names, *, keys: bool) -> Iterator[str]:
    """The statements that make the tables. Without keys, which only Redshift has, PostgreSQL takes them too."""
    yield f"create schema if not exists {names.schema}"
    yield (
        f"-- Which version of each partition was loaded, as Gold’s manifest names it.\n"
        f"create table if not exists {names.schema}.{LOADED} (\n"
        f'    "model" {_TEXT},\n    "partition" {_TEXT},\n    "files" bigint,\n    "file_count" bigint,\n'
        f'    "rows" bigint,\n    "recorded_at" timestamp\n)' + ('\ndiststyle all\nsortkey ("model")' if keys else "")
    )
    for table in tables:
        name = f'{names.schema}."{table.name}"'
        columns = ",\n".join(f'    "{column.name}" {column.redshift_type}' for column in table.columns)
        create = f"create table if not exists {name} (\n{columns}\n)"
        if keys:
            (distribution, spread_for), (sorting, sorted_for) = table.distribution, table.sorting
            why = f"-- {distribution}: {spread_for}.\n-- {sorting}: {sorted_for}.\n"
            create = f"{why}{create}\n{distribution}\n{sorting}"
        yield create
        yield f"comment on table {name} is '{table.description}'"
        for column in table.columns:
            yield f"comment on column {name}.\"{column.name}\" is '{column.description}'"


# --- Redshift: load --------------------------------------------------------------------------------


def load(tables: Sequence[Table], names: Names) -> Iterator[str]:
    """The statements that replace the partitions whose version is another one than was loaded, and no others.

    The manifest is read once, before any table: what is read later is at least as new as what is then
    remembered, so that a run of dbt beside the load makes a later load repeat a partition, never miss one.
    """
    models = ",\n            ".join(f"'{table.name}'" for table in tables)
    yield "drop table if exists load_wanted"
    yield f"""-- The last fact on each partition; one about no files says that it has no rows any more.
create temporary table load_wanted as
select "model", "partition", "files", "file_count", "rows", "recorded_at"
from (
    select
        "model",
        "partition",
        "action",
        "files",
        "file_count",
        "rows",
        "recorded_at",
        row_number() over (partition by "model", "partition" order by "recorded_at" desc) as place,
        max(case when "action" = 'remove' then "recorded_at" end) over (partition by "model") as removed_at
    from {names.external_schema}."exact_manifest"
    where
        "action" <> 'test'
        and "model" in (
            {models}
        )
) as facts
where place = 1 and "action" <> 'remove' and (removed_at is null or "recorded_at" > removed_at)"""
    for table in tables:
        yield from _load(table, names)
    yield "drop table load_wanted"


def _load(table: Table, names: Names) -> Iterator[str]:
    """One transaction: a load that fails leaves the table, and what is remembered of it, as they were."""
    target, source = f'{names.schema}."{table.name}"', f'{names.external_schema}."{table.name}"'
    loaded = f"{names.schema}.{LOADED}"
    if table.partition:
        value = f'cast("{table.partition.name}" as varchar)'
        typed = f'cast("partition" as {table.partition.redshift_type})'
        stale = f'"{table.partition.name}" in (select {typed} from load_stale)'
        others = f'"partition" <> {WHOLE}'
    else:
        value, stale, others = WHOLE, "(select count(*) from load_stale) > 0", f'"partition" = {WHOLE}'
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    here = f"\"model\" = '{table.name}'"
    yield f"-- {table.name}: all partitions but those that were loaded in this version, and have as many rows.\nbegin"
    yield f"lock {loaded}"  # a second load waits here
    yield f"""create temporary table load_stale as
select "partition"
from (
    select "partition" from load_wanted where {here}
    union
    select "partition" from {loaded} where {here}
    union
    select {value} as "partition" from {target}
    except
    select wanted."partition"
    from load_wanted as wanted
    inner join {loaded} as loaded
        on wanted."model" = loaded."model"
        and wanted."partition" = loaded."partition"
        and wanted."files" = loaded."files"
        and wanted."file_count" = loaded."file_count"
    left join (
        select {value} as "partition", count(*) as "rows" from {target} group by 1
    ) as found on wanted."partition" = found."partition"
    where wanted."model" = '{table.name}' and wanted."rows" = coalesce(found."rows", 0)
) as partitions
where {others} and (select count(*) from load_wanted where {here}) > 0"""  # nothing known: a lost manifest
    yield f"select '{table.name}' as \"table\", count(*) as partitions_replaced from load_stale"
    yield f"delete from {target}\nwhere {stale}"
    yield f"insert into {target} ({columns})\nselect {columns}\nfrom {source}\nwhere {stale}"
    yield f'delete from {loaded}\nwhere {here} and "partition" in (select "partition" from load_stale)'
    yield (
        f'insert into {loaded} ("model", "partition", "files", "file_count", "rows", "recorded_at")\n'
        f'select "model", "partition", "files", "file_count", "rows", "recorded_at"\nfrom load_wanted\n'
        f'where {here} and "partition" in (select "partition" from load_stale)'
    )
    yield "drop table load_stale"
    yield "commit"


# --- Athena ----------------------------------------------------------------------------------------


def athena(tables: Sequence[Table], names: Names) -> Iterator[str]:
    """The statements that put tables into the Data Catalog, for a Gold that was not built on Glue."""
    yield f"create database if not exists {names.database}"
    for table in tables:
        name = f"{names.database}.{table.name}"
        plain = [column for column in table.columns if column != table.partition]
        create = (
            f"create external table if not exists {name} (\n"
            + ",\n".join(_athena_column(column) for column in plain)
            + f"\n)\ncomment '{table.description}'\n"
        )
        if table.partition:
            create += f"partitioned by (\n{_athena_column(table.partition)}\n)\n"
        yield f"{create}{_PARQUET}\nlocation '{names.gold_base.rstrip('/')}/{table.folder}/'"
        if table.partition:
            yield f"msck repair table {name}"


# Or `stored as parquet`, in full: sqlfluff 4.4 does not know that word in Athena's dialect.
_PARQUET = """row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
stored as
inputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
outputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'"""


def _athena_column(column: Column) -> str:
    return f"    `{column.name}` {column.type} comment '{column.description}'"


def write(manifest: Mapping[str, Any], names: Names, folder: Path) -> list[Path]:
    """Write redshift.sql, load.sql and athena.sql; returns the files."""
    ours, all_of_them = tables_of(manifest)
    files = {"redshift": redshift(ours, names), "load": load(ours, names), "athena": athena(all_of_them, names)}
    texts = {folder / f"{name}.sql": script(statements) for name, statements in files.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    return list(texts)


def script(statements: Iterator[str]) -> str:
    """Statements as a file that psql runs, or Athena one after the other."""
    head = "-- Made by `make ddl` from the contracts: change those.\n\n"
    return head + "".join(f"{sql};\n\n" for sql in statements)
