"""The contract of a Gold table is kept on every run, and a table outlives every way of breaking it.

Guards against what the adapters do: they check a contract when they create a table and never again, so
that a double is silently narrowed to an int; and `--full-refresh` drops first and asks later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from goldkit import check, silver
from goldkit.compare import PATHS
from goldkit.dbt import Outcome, Warehouse

from .conftest import NewWarehouse, assert_exact, copy_of_the_project, session

pytestmark = pytest.mark.long
DRIFTED_TYPE = ("        age,\n", "        cast(age as bigint) as age,\n")
EXTRA_COLUMN = (
    "        updated_at,\n        user_bucket\n",
    "        updated_at,\n        1L as extra,\n        user_bucket\n",
)
CONTRACT = (
    "        data_type: timestamp\n",
    "        data_type: timestamp\n      - name: extra\n        description: New.\n        data_type: bigint\n",
)
REFRESH = "dbt build --full-refresh --select dim_users+"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def sql(project: Path) -> Path:
    return project / "models" / "dim" / "dim_users.sql"


@pytest.fixture
def yml(project: Path) -> Path:
    return project / "models" / "dim" / "_dim__models.yml"


@pytest.fixture(scope="module")
def gold(project: Path, tmp_path_factory: pytest.TempPathFactory, new_warehouse: NewWarehouse) -> Warehouse:
    """A warehouse that each test leaves as it was."""
    warehouse = new_warehouse(tmp_path_factory.mktemp("silver"))
    warehouse.project = project
    silver.sample(warehouse.silver, days=3, events=300)
    assert_exact(warehouse, warehouse.build())
    return warehouse


@contextmanager
def edited(file: Path, *edits: tuple[str, str]) -> Iterator[None]:
    """A file of the project with some text replaced, the first time that it occurs."""
    before = file.read_text()
    text = before
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(before)


def build_users(warehouse: Warehouse, *arguments: str) -> Outcome:
    return warehouse.build("--select", "dim_users", *arguments)


def columns(warehouse: Warehouse, table: str) -> set[tuple[str, ...]]:
    """What the files of a table hold: a set of one."""
    files = (warehouse.gold / PATHS[table]).rglob("*.parquet")
    return {tuple(pq.read_schema(file).names) for file in files}


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (DRIFTED_TYPE, "Column 6: age int in the contract, age bigint here."),
        (EXTRA_COLUMN, "Column 8: user_bucket int in the contract, extra bigint here."),
    ],
    ids=["drifted type", "extra column"],
)
def test_sql_that_breaks_the_contract_is_refused_on_every_run(
    gold: Warehouse, sql: Path, new_warehouse: NewWarehouse, edit: tuple[str, str], line: str
) -> None:
    first = new_warehouse(gold.silver, "first")
    first.project = gold.project
    before = check.files(gold.gold)
    with edited(sql, edit):
        for warehouse in (first, gold):
            outcome = build_users(warehouse)
            assert not outcome.success
            assert "broken, nothing was written" in outcome.message
            assert line in outcome.message
    assert check.files(first.gold) == {}
    assert check.files(gold.gold) == before
    assert_exact(gold, build_users(gold))
    assert check.rewritten(before, check.files(gold.gold), "dim_users") == set()


def test_changed_contract_wants_a_full_refresh(gold: Warehouse, sql: Path, yml: Path) -> None:
    before, names = check.files(gold.gold), columns(gold, "dim_users")
    with edited(sql, EXTRA_COLUMN), edited(yml, CONTRACT):
        outcome = build_users(gold)
        assert not outcome.success
        assert REFRESH in outcome.message
        assert check.files(gold.gold) == before

        outcome = build_users(gold, "--full-refresh")
        assert outcome.success, outcome.message
        assert columns(gold, "dim_users") == {(*next(iter(names)), "extra")}
        assert session().sql("select count(extra) from gold_test.dim_users").first()[0] == 15
    outcome = build_users(gold)
    assert not outcome.success
    assert REFRESH in outcome.message
    assert_exact(gold, build_users(gold, "--full-refresh"))
    assert columns(gold, "dim_users") == names


def test_type_that_drifts_upstream_is_refused_downstream(gold: Warehouse, project: Path) -> None:
    """The SQL of dim_status is the one that passed before; what it reads is not."""
    before = check.files(gold.gold)
    binary = ("description') }}\"\n        data_type: string", "description') }}\"\n        data_type: binary")
    seed = ("seed", "--select", "order_statuses")
    with edited(project / "seeds" / "_seeds.yml", binary):
        assert gold.dbt(*seed, "--full-refresh").success
        outcome = gold.build("--select", "dim_status", "--full-refresh")
        assert not outcome.success
        assert "description string in the contract, description binary here" in outcome.message
        assert check.rewritten(before, check.files(gold.gold), "dim_status") == set()
    assert gold.dbt(*seed, "--full-refresh").success
    assert_exact(gold, gold.build("--select", "dim_status"))


@pytest.mark.parametrize(
    ("edit", "contract"),
    [
        (DRIFTED_TYPE, "same contract"),
        (DRIFTED_TYPE, "new contract"),
        (("        age,\n", "        nonsense,\n"), "same contract"),
        (("        age,\n", "        nonsense,\n"), "new contract"),
        (("        age,\n", "        raise_error('x') as age,\n"), "same contract"),
        (("        age,\n", "        raise_error('x') as age,\n"), "new contract"),
    ],
    ids=[
        f"{what}, {contract} contract"
        for what in ("another type", "no such column", "fails at run time")
        for contract in ("same", "new")
    ],
)
def test_full_refresh_with_broken_sql_leaves_the_table_whole(
    gold: Warehouse, sql: Path, yml: Path, edit: tuple[str, str], contract: str
) -> None:
    rows = session().table("gold_test.dim_users").count()
    new = contract == "new contract"
    with (
        edited(sql, edit, *([EXTRA_COLUMN] if new else [])),
        edited(yml, *([CONTRACT] if new else [])),
    ):
        assert not build_users(gold, "--full-refresh").success
        session().catalog.refreshTable("gold_test.dim_users")
        assert session().table("gold_test.dim_users").count() == rows
    assert_exact(gold, build_users(gold, "--full-refresh"))


def test_full_refresh_to_other_types_heals_after_a_failure(gold: Warehouse, project: Path) -> None:
    """The table is made anew over files whose types no query can read."""
    revenue, date = project / "models/mart/daily_revenue.sql", project / "models/dim/dim_date.sql"
    count = "        transaction_count,\n"
    text = (count, "        cast(transaction_count as string) as transaction_count,\n")
    fails = (count, "        cast(raise_error('x') as string) as transaction_count,\n")
    bigint = "{{ doc('transaction_count') }}\"\n        data_type: "
    integer = "{{ doc('year') }}\"\n        data_type: "
    year = "        year(date) as year,\n"
    with (
        edited(project / "models/mart/_mart__models.yml", (f"{bigint}bigint", f"{bigint}string")),
        edited(project / "models/dim/_dim__models.yml", (f"{integer}int", f"{integer}string")),
    ):
        with edited(revenue, fails):
            assert not gold.dbt("run", "--select", "daily_revenue", "--full-refresh").success
        with edited(revenue, text), edited(date, (year, "        cast(year(date) as string) as year,\n")):
            outcome = gold.dbt("run", "--select", "daily_revenue")
            assert outcome.success, outcome.message
            outcome = gold.dbt("run", "--select", "dim_date", "--full-refresh")
            assert outcome.success, outcome.message
        for table, column in (("daily_revenue", "transaction_count"), ("dim_date", "year")):
            assert session().table(f"gold_test.{table}").select(column).dtypes == [(column, "string")]
            assert session().table(f"gold_test.{table}").select(column).collect()
    assert_exact(gold, gold.dbt("run", "--select", "daily_revenue", "dim_date", "--full-refresh"))


def test_sql_that_cannot_be_read_leaves_no_table(gold: Warehouse, project: Path) -> None:
    model, yml = (project / "models" / "mart" / name for name in ("unreadable.sql", "unreadable.yml"))
    model.write_text("select nonsense from {{ ref('daily_revenue') }}")
    yml.write_text("models: [{name: unreadable, columns: [{name: nonsense, data_type: string}]}]")
    outcome = gold.dbt("run", "--select", "unreadable")
    model.unlink()
    yml.unlink()
    assert not outcome.success and "nonsense" in outcome.message
    assert not session().catalog.tableExists("gold_test.unreadable")
    assert_exact(gold, gold.dbt("run"))


def test_full_refresh_does_not_raise_partitions_from_the_dead(gold: Warehouse) -> None:
    """Neither as it is, nor where the catalog's entry is made anew over the folder."""
    facts = ("--select", "dim_users", "fact_events")
    sql, yml = (
        gold.project / "models/fact/fact_events.sql",
        gold.project / "models/fact/_fact__models.yml",
    )
    day = max(check.partitions(gold.gold, "fact_events"))
    kept = gold.silver / "kept"  # with the next folder, which has late rows of that day
    kept.mkdir()
    for folder in sorted((gold.silver / "events").iterdir()):
        if folder.name >= f"event_date={day}":
            folder.rename(kept / folder.name)
    assert gold.build(*facts).success
    days = check.partitions(gold.gold, "fact_events")
    assert day not in days
    column = (
        "      - name: event_date\n",
        "      - name: extra\n        description: New.\n        data_type: bigint\n      - name: event_date\n",
    )
    with (
        edited(
            sql,
            ("        events.event_date\n", "        1L as extra,\n        events.event_date\n"),
        ),
        edited(yml, column),
    ):
        for _ in range(2):
            outcome = gold.build(*facts, "--full-refresh")
            assert outcome.success, outcome.message
            assert check.partitions(gold.gold, "fact_events") == days
            shown = session().sql("show partitions gold_test.fact_events").collect()
            assert {row[0].split("=")[1] for row in shown} == days
    for folder in kept.iterdir():
        folder.rename(gold.silver / "events" / folder.name)
    assert_exact(gold, gold.build("--full-refresh"))


def test_description_with_an_apostrophe_is_applied_to_an_existing_table(gold: Warehouse, yml: Path) -> None:
    before = check.files(gold.gold)
    edits = (
        ("      One row per user, in", "      One row per user's id, in"),
        ("\"{{ doc('email') }}\"", '"The user\'s address."'),
    )
    with edited(yml, *edits):
        outcome = build_users(gold)
        assert outcome.success, outcome.message
        described = session().sql("describe table extended gold_test.dim_users").collect()
        comments = {row[0]: row[2] if row[2] else row[1] for row in described}
        assert comments["email"] == "The user’s address."
        assert comments["Comment"].startswith("One row per user’s id, in")
    assert build_users(gold).success
    assert check.files(gold.gold) == before
