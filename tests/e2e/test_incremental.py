"""An incremental run rewrites the partitions whose inputs changed, and no others.

Guards against runs that are exact because they rewrite everything, and against partitions that a
rule about dates or clocks would miss. What is rewritten is seen in the files themselves: a partition
that is untouched still consists of the same files, with the same times.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from goldkit import check
from goldkit.changes import DAYS, Lake
from goldkit.compare import PATHS, read_table
from goldkit.dbt import Outcome, Warehouse

from .conftest import DAILY, MONTHLY, assert_exact, copy_of_the_project, session

pytestmark = pytest.mark.long
OLD = DAYS[1]
SEED = 1


def unknown() -> str:
    """The partition of rejected rows without a day, from files written now."""
    return f"unknown-{Outcome.now():%Y-%m}"


def update(warehouse: Warehouse, **variables: object) -> dict[str, set[str]]:
    """What a run that ends in an exact Gold rewrote, table by table, where it rewrote anything."""
    before = check.files(warehouse.gold)
    assert_exact(warehouse, warehouse.dbt("run", variables=variables))
    after = check.files(warehouse.gold)
    changed = {table: check.rewritten(before, after, table) for table in PATHS}
    return {table: partitions for table, partitions in changed.items() if partitions}


def days_of(warehouse: Warehouse, user: str) -> dict[str, set[str]]:
    """The days on which a user is found in the facts."""
    found = {}
    for table, column in (("fact_events", "event_date"), ("fact_transactions", "tx_date")):
        rows = read_table(warehouse.gold / PATHS[table]).to_pylist()
        found[table] = {str(row[column]) for row in rows if row["user_id"] == user}
    return found


def test_new_day_rewrites_no_other(gold: Warehouse, lake: Lake) -> None:
    day = date(2024, 3, 2)
    lake.add_day(day)
    changed = update(gold)
    assert {table: changed.get(table) for table in DAILY} == dict.fromkeys(DAILY, {f"{day}"})
    assert {table: changed.get(table) for table in MONTHLY} == dict.fromkeys(MONTHLY, {"2024-03"})
    assert "dim_users" not in changed
    assert changed.get("rejected_events", set()) <= {f"{day}", unknown()}


def metrics(warehouse: Warehouse) -> dict[str, list[str]]:
    """The models that each run has a row of in run_metrics."""
    found: dict[str, list[str]] = {}
    for row in read_table(warehouse.gold / "audit" / "run_metrics").to_pylist():
        found.setdefault(row["invocation_id"], []).append(row["model"])
    return found


def test_late_row_rewrites_its_own_day_and_the_run_says_so(gold: Warehouse, lake: Lake) -> None:
    row = {"event_id": "late", "user_id": "u1", "ts": lake.moment(OLD), "country": "US"}
    lake.add("events", [row], max(lake.days()))
    before = metrics(gold)
    changed = update(gold)
    after = metrics(gold)
    assert before.items() <= after.items()
    (models,) = [after[invocation] for invocation in after.keys() - before.keys()]
    assert sorted(models) == sorted(PATHS)
    assert changed.pop("fact_events") == changed.pop("fact_user_activity") == {f"{OLD}"}
    assert changed.pop("daily_active_users") == {f"{OLD:%Y-%m}"}
    assert changed.pop("rejected_events", set()) <= {f"{OLD}"}
    assert changed.keys() == {"user_ltv"}


def test_days_that_share_files_are_read_from_all_of_them(gold: Warehouse, lake: Lake) -> None:
    """A statement names its files where they are few; a file of several days is one of them, and counts once."""
    days = [date(2024, 4, 1), date(2024, 4, 2), date(2024, 4, 3)]
    events = [[lake.event(day) | {"ts": lake.moment(day)} for day in days] for _ in range(3)]
    lake.add("events", events[0])
    for event in (*events[1], *events[2]):
        lake.add("events", [event])
    changed = update(gold, files_per_filter=5)  # of seven files, three a day
    assert changed["fact_events"] == {f"{day}" for day in days}


def test_changed_name_rewrites_no_fact(gold: Warehouse, lake: Lake) -> None:
    users = read_table(gold.gold / PATHS["dim_users"], check.TECHNICAL).to_pylist()
    user = next(user for user in users if user["user_id"] == "u4")
    later = {"name": "New", "age": str(user["age"]), "updated_at": lake.moment(date(2025, 1, 1))}
    lake.add("users", [user | later])
    assert update(gold).keys() == {"dim_users"}


def test_changed_user_rewrites_the_days_of_that_user(gold: Warehouse, lake: Lake) -> None:
    lake.add("users", [lake.user(5) | {"city": "Nowhere", "updated_at": lake.moment(date(2025, 1, 1))}])
    days = days_of(gold, "u5")
    before = check.files(gold.gold)
    outcome = gold.dbt("run", variables={"user_attributes": "as_built"})
    assert outcome.success, outcome.message
    for fact in DAILY:
        assert check.rewritten(before, check.files(gold.gold), fact) == set()
    changed = update(gold)  # the default makes up for it
    assert {table: changed.get(table, set()) for table in days} == days
    assert 0 < len(days["fact_events"]) < len(check.partitions(gold.gold, "fact_events"))


def test_deleted_day_is_gone_from_catalog_and_disk(gold: Warehouse, lake: Lake) -> None:
    day = min(lake.days())
    for file in lake.files("events", "transactions"):
        if file.parent.name.endswith(f"={day}"):
            lake.delete(file)
    changed = update(gold)
    assert "dim_date" in changed
    for table in DAILY:
        assert changed[table] == {f"{day}"}
        assert f"{day}" not in check.partitions(gold.gold, table)
    for table in (*DAILY, *MONTHLY, "user_ltv", "dim_users", "rejected_events"):
        rows = session().sql(f"show partitions gold_test.{table}").collect()
        assert {row[0].split("=", 1)[1] for row in rows} == check.partitions(gold.gold, table)


def test_rebuild_of_a_range_rewrites_that_range(gold: Warehouse) -> None:
    first, last = DAYS[4], DAYS[5]
    days = {f"{day}" for day in DAYS if first <= day <= last}
    changed = update(gold, rebuild=True, rebuild_from=f"{first}", rebuild_to=f"{last}")
    assert {table: changed.get(table) for table in DAILY} == dict.fromkeys(DAILY, days)
    assert {table: changed.get(table) for table in MONTHLY} == dict.fromkeys(MONTHLY, {"2024-02"})


def test_changed_sql_rebuilds_its_table(gold: Warehouse, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    macro = project / "macros" / "staging" / "average.sql"
    macro.write_text(macro.read_text().replace("decimal(18, 2)", "decimal( 18, 2 )"))
    before = check.files(gold.gold)
    assert_exact(gold, replace(gold, project=project).dbt("run"))
    after = check.files(gold.gold)
    for table in ("fact_user_activity", "daily_revenue", "user_ltv"):
        partitions = check.partitions(gold.gold, table)
        assert check.rewritten(before, after, table) == partitions
    for table in ("fact_events", "fact_transactions", "dim_users"):
        assert check.rewritten(before, after, table) == set()


def test_timestamps_become_valid_as_time_passes(gold: Warehouse, lake: Lake) -> None:
    """Later than a day after the run they count as unparsable; no file changes when that day comes."""
    soon = Outcome.now() + timedelta(days=1, seconds=8)
    user = lake.user(6) | {"city": "Tomorrow", "updated_at": soon}
    event = {"event_id": "soon", "user_id": "u6", "ts": soon, "country": "US"}
    transaction = lake.transaction(OLD) | {"tx_id": "soon", "amount": "1"}
    lake.add("users", [user])
    lake.add("events", [event])
    lake.add("transactions", [transaction | {"created_at": soon}])
    lake.add("transactions", [transaction | {"created_at": lake.moment(OLD), "delivered_at": soon}])
    update(gold)
    time.sleep(max(0.0, (soon - timedelta(days=1) - Outcome.now()).total_seconds() + 1))
    changed = update(gold)
    assert changed["fact_events"] >= {f"{soon:%Y-%m-%d}"}


@pytest.mark.usefixtures("gold")
def test_a_year_of_days_may_be_named() -> None:
    """As a plan names the days that it overwrites.

    Derby fails at 231, unless they are asked for as a range: spark.sql.hive.metastorePartitionPruningInSetThreshold
    in the profile.
    """
    days = [f"{date(2024, 1, 1) + timedelta(n)}" for n in range(366)]
    sql = session().sql
    sql("create table gold_test.year (x int, day date) using parquet partitioned by (day)")
    sql("alter table gold_test.year add " + " ".join(f"partition (day='{day}')" for day in days))
    literals = ", ".join(f"date'{day}'" for day in days)
    try:
        assert sql(f"select count(*) from gold_test.year where day in ({literals})").first()[0] == 0
    finally:
        sql("drop table gold_test.year")
