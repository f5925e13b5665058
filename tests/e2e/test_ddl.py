"""Redshift and Athena get what the contracts promise, and a load makes Redshift equal to Gold.

Guards against a contract that changes and a statement that does not, against a load that doubles rows,
misses a partition or replaces all of them, and against one that fails half-way. The load runs on
PostgreSQL, as it is. In make test it does so in test_property.py: first, again, and after each run on
changed Silver.
"""

from __future__ import annotations

import copy
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlfluff.core import FluffConfig, Linter
from typer.testing import CliRunner

from goldkit import check, cli, ddl
from goldkit.changes import Lake
from goldkit.compare import GOLD_SCHEMAS, PATHS
from goldkit.dbt import Warehouse
from goldkit.environment import PROJECT, SetupError

from .conftest import NewWarehouse, assert_exact
from .postgres import LOGS, NAMES, SPECTRUM, Postgres, Redshift, manifest_of, replaced
from .postgres import TYPES as ARROW

SEED = 5
ARN = "arn:aws:iam::111122223333:role/redshift"
# The types of the contract, as arrow has them, in Redshift and in Athena.
TYPES = {
    pa.string(): ("varchar(65535)", "string"),
    pa.int32(): ("integer", "int"),
    pa.int64(): ("bigint", "bigint"),
    pa.bool_(): ("boolean", "boolean"),
    pa.date32(): ("date", "date"),
    pa.timestamp("us", tz="UTC"): ("timestamp", "timestamp"),
    pa.decimal128(18, 2): ("decimal(18,2)", "decimal(18,2)"),
    pa.decimal128(28, 2): ("decimal(28,2)", "decimal(28,2)"),
}
STAR = [table for table in GOLD_SCHEMAS if not table.startswith("rejected_")]


@pytest.fixture(scope="module")
def contracts(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest. Before Gold, which is a warehouse of the same name."""
    return manifest_of(new_warehouse(tmp_path_factory.mktemp("silver")))


@pytest.fixture(scope="module")
def files(contracts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of each file that `make ddl` writes."""
    names = ddl.Names("s3://company-gold/", role=ARN)
    written = ddl.write(contracts, names, tmp_path_factory.mktemp("ddl"))
    return {file.stem: file.read_text() for file in written}


@pytest.fixture(scope="module")
def redshift(contracts: dict[str, Any], postgres: Postgres, gold: Warehouse) -> Redshift:
    """Holds what Gold holds, after each test."""
    redshift = Redshift(postgres, contracts)
    redshift.make()
    redshift.show(gold.gold)
    redshift.load()
    return redshift


# --- what is written ------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "dialect"), [("redshift", "redshift"), ("load", "redshift"), ("athena", "athena")])
def test_every_statement_parses(files: dict[str, str], file: str, dialect: str) -> None:
    parsed = Linter(config=FluffConfig(overrides={"dialect": dialect})).parse_string(files[file])
    assert parsed.violations == []
    tree = parsed.tree
    assert tree and "unparsable" not in tree.type_set()
    statements = [statement for statement in tree.recursive_crawl("statement", recurse_into=False)]
    assert len(statements) == files[file].count(";\n")


def test_comments_are_no_longer_than_the_data_catalog_takes(files: dict[str, str]) -> None:
    comments = re.findall("^    .* comment '(.*)',?$", files["athena"], re.MULTILINE)
    assert 0 < max(len(comment.encode()) for comment in comments) <= 255


@pytest.mark.parametrize("table", GOLD_SCHEMAS)
def test_each_column_has_its_type(contracts: dict[str, Any], files: dict[str, str], table: str) -> None:
    """In the contract's order, by docs/gold.md and not by the yml that the statements are made from."""
    ours, all_of_them = ddl.tables_of(contracts)
    assert sorted(found.name for found in ours) == sorted(STAR)
    technical = {"user_bucket": pa.int32(), "invocation_id": pa.string(), "rejected_date": pa.string()}
    (found,) = (found for found in all_of_them if found.name == table)
    assert found.folder == PATHS[table]
    promised = {field.name: field.type for field in GOLD_SCHEMAS[table]}
    expected = {column.name: TYPES[promised.get(column.name) or technical[column.name]] for column in found.columns}
    assert [name for name in expected if name not in check.TECHNICAL] == list(promised)
    in_athena = files["athena"].split(f"exists gold.{table} (")[1].split("location")[0]
    assert dict(re.findall("`([a-z_]+)` ([a-z0-9(),]+) comment", in_athena)) == {
        name: athena for name, (_, athena) in expected.items()
    }
    if table in STAR:
        in_redshift = files["redshift"].split(f'exists gold."{table}" (')[1].split("\n)")[0]
        assert re.findall('"([a-z_]+)" ([a-z0-9(), ]+?),?\n', in_redshift + "\n") == [
            (name, redshift) for name, (redshift, _) in expected.items()
        ]


def test_keys_are_columns_of_the_table(contracts: dict[str, Any]) -> None:
    """By the rules that docs/redshift.md gives, and as its table of them says."""
    said = (PROJECT / "docs" / "redshift.md").read_text()
    for table in ddl.tables_of(contracts)[0]:
        line = f"| `{table.name}` | `{table.distribution[0]}` | `{table.sorting[0]}` |".replace('"', "")
        assert line in said


@pytest.mark.long
def test_logs_are_as_the_sources_declare_them(contracts: dict[str, Any], gold: Warehouse) -> None:
    """Its columns are the package's: nobody else would see that they changed."""
    logs = [table for table in ddl.tables_of(contracts)[1] if table.name in LOGS]
    assert len(logs) == len(LOGS)
    for table in logs:
        for file in (gold.gold / table.folder).rglob("*.parquet"):
            there = [(field.name, field.type) for field in pq.read_schema(file)]
            assert there == [(column.name, ARROW[column.type]) for column in table.columns]


def test_a_type_without_a_counterpart_is_refused(contracts: dict[str, Any]) -> None:
    changed = copy.deepcopy(contracts)
    changed["nodes"]["model.silver_to_gold.dim_users"]["columns"]["age"]["data_type"] = "array<int>"
    with pytest.raises(SetupError, match="dim_users.age is array<int>"):
        ddl.tables_of(changed)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--gold-base=/data/gold", "'/data/gold' is not in S3"),
        ("--role=redshift", "'redshift' is not an IAM role"),
        ("--database=My-Gold", "'My-Gold' is not a name in lower case"),
        ("--external-schema=gold", "gold cannot be both"),
    ],
)
def test_what_is_no_name_is_refused(option: str, said: str) -> None:
    outcome = CliRunner().invoke(cli.app, ["ddl", "--gold-base=s3://company-gold", option])
    assert outcome.exit_code == 1
    assert said in outcome.output


# --- the load -------------------------------------------------------------------------------------


@pytest.mark.long
def test_first_second_and_incremental_load(redshift: Redshift, gold: Warehouse, lake: Lake) -> None:
    assert redshift.unlike_gold(gold.gold) == []
    first = redshift.versions()
    assert set(redshift.load().values()) == {0}
    assert redshift.versions() == first  # not a row was written
    files = check.files(gold.gold)
    lake.add_day(date(2024, 3, 2))
    for file in lake.files("events", "transactions"):
        if file.parent.name.endswith(f"={min(lake.days())}"):
            lake.delete(file)
    assert_exact(gold, gold.dbt("run"))
    redshift.show(gold.gold)
    redshift.load()
    assert redshift.unlike_gold(gold.gold) == []
    now = check.files(gold.gold)
    loaded = replaced(first, redshift.versions())
    for table in STAR:
        if any(found.partition for found in redshift.tables if found.name == table):
            assert loaded.get(table, set()) == check.rewritten(files, now, table)
    assert len(loaded["fact_events"]) == 2
    assert set(redshift.load().values()) == {0}


@pytest.mark.long
def test_a_load_that_fails_leaves_its_table_as_it_was(redshift: Redshift, gold: Warehouse) -> None:
    """And those after it; the next load does what is left."""
    external, before = SPECTRUM.schema, redshift.versions()
    redshift.sql(f"delete from {NAMES.schema}.{ddl.LOADED}")
    redshift.sql(f"alter table {external}.fact_transactions rename amount to other")
    with pytest.raises(RuntimeError, match="amount"):
        redshift.load()
    assert redshift.unlike_gold(gold.gold) == []
    tables = replaced(before, redshift.versions())
    assert "fact_events" in tables and "fact_transactions" not in tables
    redshift.sql(f"alter table {external}.fact_transactions rename other to amount")
    redshift.load()
    assert redshift.unlike_gold(gold.gold) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "damage",
    [
        "insert into gold.fact_events select * from gold.fact_events",
        "delete from gold.daily_revenue",
        "delete from gold.dim_country",
        "insert into gold.fact_events (event_id, event_date) values ('of nobody', '1999-12-31')",
        "delete from gold.loaded_partitions where model like 'dim%'",
        "drop table gold.user_ltv",
    ],
)
def test_the_next_load_mends(redshift: Redshift, gold: Warehouse, damage: str) -> None:
    """Rows that were doubled or lost, and what is remembered of them. A table is made anew by redshift.sql."""
    redshift.sql(damage)
    redshift.sql(ddl.script(ddl.schema(redshift.tables, NAMES, keys=False)))
    redshift.load()
    assert redshift.unlike_gold(gold.gold) == []
    assert set(redshift.load().values()) == {0}


@pytest.mark.long
def test_of_two_loads_at_once_one_waits(redshift: Redshift, gold: Warehouse) -> None:
    redshift.sql(f"delete from {NAMES.schema}.{ddl.LOADED}")
    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(redshift.load) for _ in range(2)]
    one, other = (load.result() for load in loads)
    assert all(one[table] == 0 or other[table] == 0 for table in STAR)
    assert all(one[table] + other[table] for table in STAR)
    assert redshift.unlike_gold(gold.gold) == []


@pytest.mark.long
def test_a_lost_manifest_empties_nothing(redshift: Redshift, gold: Warehouse) -> None:
    before = redshift.versions()
    redshift.sql(f"truncate {SPECTRUM.schema}.exact_manifest")
    redshift.load()
    assert redshift.versions() == before
    redshift.show(gold.gold, "exact_manifest")
