"""Whatever happens to Gold itself, a plain run leaves it right, and says why it rebuilt what it rebuilt.

Guards against an engine that looks at its inputs alone: a file of Gold that is lost, or that nobody knows, a
catalog that has other partitions than the folder, and facts that are gone.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldkit import check
from goldkit.changes import DAYS, Lake
from goldkit.compare import PATHS
from goldkit.dbt import Outcome, Warehouse

from .conftest import (
    NewWarehouse,
    assert_exact,
    claim_of_a_killed_run,
    claim_of_another_machine,
    copy_of_the_project,
    session,
)

pytestmark = pytest.mark.long
DAY = f"{DAYS[2]}"
SEED = 3


def folder(gold: Warehouse, table: str, partition: str = "") -> Path:
    return gold.gold / PATHS[table] / partition


def a_file(gold: Warehouse, table: str, partition: str = "") -> Path:
    return sorted(folder(gold, table, partition).rglob("*.parquet"))[0]


def reasons(outcome: Outcome, table: str) -> str:
    """What stands between brackets in dbt's line of a table."""
    said = outcome.said(table)
    return said.split("(")[1].split(")")[0] if "(" in said else said


# --- damage to Gold itself -----------------------------------------------------------------------


def lose_bucket(gold: Warehouse) -> str:
    shutil.rmtree(min((gold.gold / PATHS["user_ltv"]).glob("*=*")))
    return "user_ltv"


def lose_file_of_a_day(gold: Warehouse) -> str:
    a_file(gold, "fact_events", f"event_date={DAY}").unlink()
    return "fact_events"


def lose_file_of_a_dimension(gold: Warehouse) -> str:
    a_file(gold, "dim_date").unlink()
    return "dim_date"


def lose_bucket_of_users(gold: Warehouse) -> str:
    shutil.rmtree(max((gold.gold / PATHS["dim_users"]).glob("*=*")))
    return "dim_users"


def gain_foreign_file(gold: Warehouse) -> str:
    file = a_file(gold, "fact_transactions", f"tx_date={DAY}")
    shutil.copy(file, file.with_name("foreign.parquet"))
    return "fact_transactions"


def gain_foreign_row_in_a_mart(gold: Warehouse) -> str:
    file = a_file(gold, "daily_active_users")
    shutil.copy(file, file.with_name("again.parquet"))
    return "daily_active_users"


def half_a_file(gold: Warehouse) -> str:
    file = a_file(gold, "fact_user_activity", f"activity_date={DAY}")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return "fact_user_activity"


def lose_table(gold: Warehouse) -> str:
    shutil.rmtree(folder(gold, "daily_revenue"))
    return "daily_revenue"


DAMAGES = (
    lose_bucket,
    lose_file_of_a_day,
    lose_file_of_a_dimension,
    lose_bucket_of_users,
    gain_foreign_file,
    gain_foreign_row_in_a_mart,
    half_a_file,
    lose_table,
)


def test_damage_to_gold_is_seen_and_rebuilt(gold: Warehouse) -> None:
    """Each in a table of its own: what one damage makes of the tables below it hides no other."""
    tables = {damage(gold) for damage in DAMAGES}
    assert len(tables) == len(DAMAGES)
    outcome = gold.dbt("run")
    assert_exact(gold, outcome)
    assert {table: reasons(outcome, table) for table in tables} == dict.fromkeys(tables, "its own files changed")
    outcome = gold.dbt("run")
    assert all("UNCHANGED" in outcome.said(name) for name in PATHS)


# --- the catalog and the folder ------------------------------------------------------------------


def test_partition_that_only_the_catalog_lost_is_found_again(gold: Warehouse, lake: Lake) -> None:
    """And the marts of a later day have it."""
    before = check.files(gold.gold)
    session().sql(f"alter table gold_test.fact_events drop partition (event_date='{DAY}')")
    session().sql("alter table gold_test.daily_revenue add partition (month='1999-01')")
    assert_exact(gold, gold.dbt("run"))
    assert check.files(gold.gold) == before
    lake.add_day(date(2024, 3, 5))
    assert_exact(gold, gold.dbt("run"))
    for table in ("fact_events", "daily_revenue"):
        shown = session().sql(f"show partitions gold_test.{table}").collect()
        assert {row[0].split("=")[1] for row in shown} == check.partitions(gold.gold, table)


def test_a_folder_that_is_no_partition_is_left_alone(gold: Warehouse, lake: Lake, tmp_path: Path) -> None:
    """Spark takes `2024-03-01 (copy)` for the day, and dropped that; `2024-03-01.bak` it cannot read."""
    strays = []
    for table, partition, stray in (
        ("fact_transactions", f"tx_date={DAY}", f"tx_date={DAY} (copy)"),
        ("fact_events", f"event_date={DAY}", f"event_date={DAY}.bak"),
        ("dim_users", "user_bucket=3", "user_bucket=03"),
    ):
        shutil.copytree(folder(gold, table, partition), folder(gold, table, stray))
        strays.append(folder(gold, table, stray))
    lake.add_day(date(2024, 3, 9))
    outcomes = [gold.dbt("run"), gold.dbt("run")]
    assert all(outcome.success for outcome in outcomes), outcomes[0].message
    assert all("UNCHANGED" in outcomes[1].said(name) for name in PATHS)
    log = (gold.folder / "logs" / "dbt.log").read_text()
    for number, path in enumerate(strays):
        assert f"{path} is no partition of" in log
        shutil.move(path, tmp_path / f"{number}")
    assert_exact(gold, replace(outcomes[1], started_at=outcomes[0].started_at))
    shown = session().sql("show partitions gold_test.fact_transactions").collect()
    assert f"tx_date={DAY}" in {row[0] for row in shown}


def test_two_catalogs_take_turns_on_one_gold(gold: Warehouse, lake: Lake, new_warehouse: NewWarehouse) -> None:
    other = new_warehouse(lake.root, "other")
    other.gold = gold.gold
    before = check.files(gold.gold)
    assert_exact(other, other.build())
    assert check.files(gold.gold) == before  # another catalog rebuilds nothing
    for day, warehouse in ((6, other), (7, gold), (8, other)):
        lake.add_day(date(2024, 3, day))
        assert_exact(warehouse, warehouse.build())


# --- facts ---------------------------------------------------------------------------------------


def test_lost_manifest_costs_a_rebuild_and_no_row(gold: Warehouse) -> None:
    shutil.rmtree(gold.gold / "audit" / "manifest")
    outcome = gold.build()
    assert_exact(gold, outcome)
    assert "8 of 8 partitions rebuilt" in outcome.said("dim_users")


def test_logs_are_put_together(gold: Warehouse) -> None:
    """A hundred folders become one, which says the same."""
    manifest = gold.gold / "audit" / "manifest"
    for number in range(110):
        shutil.copytree(min(manifest.iterdir()), manifest / f"copy-{number}")
    before = check.files(gold.gold)
    assert_exact(gold, gold.build())
    assert len([*manifest.iterdir()]) == 1
    assert_exact(gold, gold.build())
    assert check.files(gold.gold) == before


def test_runs_are_kept_for_as_long_as_is_said(gold: Warehouse) -> None:
    """And all of them where nothing is said. What an earlier version wrote, without folders, stays as it is."""
    metrics = gold.gold / "audit" / "run_metrics"

    def runs() -> Counter[str]:
        rows = session().table("gold_test.run_metrics").where("model = 'dim_users'").collect()
        return Counter(row["invocation_id"] for row in rows)

    known = runs()
    table = pq.read_table(min(metrics.glob("*/*.parquet")))
    started = table.schema.field("run_started_at")
    long_ago = pa.array([datetime(2020, 1, 1)] * len(table), started.type)
    earlier = table.set_column(table.column_names.index(started.name), started, long_ago)
    for name in ("flat", *(f"old-{number}" for number in range(110))):
        place = metrics if name == "flat" else metrics / name
        place.mkdir(exist_ok=True)
        pq.write_table(earlier.set_column(0, "invocation_id", pa.array([name] * len(table))), place / "part.parquet")
    assert_exact(gold, gold.build())
    session().sql("refresh table gold_test.run_metrics")
    everything = runs()
    assert len(everything) == len(known) + 112 and set(everything.values()) == {1}
    assert len([*metrics.iterdir()]) == 3  # what was put together, this run, and the file of old
    for number in range(110):
        shutil.copytree(next(path for path in metrics.iterdir() if path.is_dir()), metrics / f"copy-{number}")
    assert_exact(gold, gold.build(variables={"run_metrics_days": 30}))
    session().sql("refresh table gold_test.run_metrics")
    kept = runs()
    assert known.keys() < kept.keys() and "flat" in kept and "old-1" not in kept and set(kept.values()) == {1}
    assert len(kept) == len(known) + 3


def test_failing_model_costs_no_other_anything(gold: Warehouse, lake: Lake, tmp_path: Path) -> None:
    """Runs with a model that always fails: what the others wrote is not written again."""
    project = copy_of_the_project(tmp_path)
    (project / "models" / "mart" / "daily_active_users.sql").write_text(
        "{{ config(partition_by=['month'], meta={'exact': {'inputs': {'fact_user_activity': 'all'}}}) }}\n"
        "select * from {{ ref('fact_user_activity') }} where raise_error('broken') is null"
    )
    lake.add_day(date(2024, 3, 9))
    failing = replace(gold, project=project)
    assert not failing.build().success
    before = check.files(gold.gold)
    assert not failing.build().success
    assert check.files(gold.gold) == before
    assert_exact(gold, gold.build())


def test_gold_of_an_earlier_version_is_rebuilt_in_place(gold: Warehouse) -> None:
    """Before there was a manifest, tables had the column source_version, and other properties."""
    columns = session().table("gold_test.fact_events").drop("event_date").dtypes
    for file in folder(gold, "fact_events").rglob("*.parquet"):
        table = pq.read_table(file, partitioning=None)
        pq.write_table(table.append_column("source_version", pa.array(["1"] * table.num_rows)), file)
    names = ", ".join(f"{name} {kind}" for name, kind in columns)
    for statement in (
        "drop table gold_test.fact_events",
        f"create table gold_test.fact_events ({names}, source_version string, event_date date) using parquet"
        f" partitioned by (event_date) location '{folder(gold, 'fact_events')}'"
        " tblproperties ('gold.contract' = 'of old')",
        "msck repair table gold_test.fact_events",
        "alter table gold_test.dim_date unset tblproperties ('exact.described')",
        "drop table gold_test.run_metrics",
        "create table gold_test.run_metrics (invocation_id string, rows_rejected bigint) using parquet"
        f" location '{gold.gold}/audit/run_metrics'",
        "create table gold_test.trash (folder string)",
    ):
        session().sql(statement)
    shutil.rmtree(gold.gold / "audit" / "manifest")
    outcome = gold.build()
    assert_exact(gold, outcome)
    assert reasons(outcome, "fact_events") == "made by something else"
    assert [*session().table("gold_test.run_metrics").columns][-1] == "reasons"
    assert gold.dbt("run-operation", "drop_tables_of_earlier_version").success
    assert not session().catalog.tableExists("gold_test.trash")
    assert_exact(gold, gold.dbt("run"))


# --- reasons -------------------------------------------------------------------------------------


def explained(gold: Warehouse, table: str = "fact_events", **variables: object) -> dict[str, str]:
    """What explain says of the days of a table: {day: reason}. It writes nothing."""
    before = check.files(gold.gold), sorted(gold.gold.rglob("*"))
    outcome = gold.dbt("run", "--select", table, variables={"explain": True, **variables})
    assert outcome.success, outcome.message
    assert (check.files(gold.gold), sorted(gold.gold.rglob("*"))) == before
    text = (gold.folder / "logs" / "dbt.log").read_text().rsplit("Running with dbt", 1)[1]
    return dict(re.findall(r"    \w+=(\S+): (.*)", text))


def test_explain_names_the_reason(gold: Warehouse, lake: Lake, tmp_path: Path) -> None:
    """Kinds of change on days of their own in one run, then those that concern a run or a table."""
    days = [date(2024, 5, number) for number in range(1, 8)]
    added, replaced, rewritten, removed, damaged, restated, gone = days

    def add(day: date, number: int = 0) -> Path:
        user = "only" if day == restated else "u1"
        row = {"event_id": f"{day} {number}", "user_id": user, "ts": lake.moment(day), "country": "US"}
        return lake.add("events", [row], day)

    files = {day: add(day) for day in days}
    second = add(removed, 2)
    lake.add("users", [lake.user(1) | {"user_id": "only", "updated_at": lake.moment(days[0])}])
    assert_exact(gold, gold.build())
    assert explained(gold) == {}

    add(added, 2)
    lake.rewrite(files[replaced], lambda row: row | {"country": "DE"})
    lake.rewrite(files[rewritten], lambda row: row)
    lake.delete(second)
    a_file(gold, "fact_events", f"event_date={damaged}").unlink()
    lake.add("users", [lake.user(1) | {"user_id": "only", "city": "Elsewhere", "updated_at": lake.moment(gone)}])
    assert gold.dbt("run", "--select", "dim_users").success
    lake.delete(files[gone])
    assert explained(gold) == {
        f"{added}": "file added",
        f"{replaced}": "file replaced",
        f"{rewritten}": "file replaced",
        f"{removed}": "file removed",
        f"{damaged}": "its own files changed",
        f"{restated}": "attributes of dim_users changed",
        f"{gone}": "dropped, its inputs are gone",
    }
    outcome = gold.build()
    assert_exact(gold, outcome)
    assert reasons(outcome, "fact_events").count("file added") == 1

    a_file(gold, "fact_events", f"event_date={added}").unlink()
    claim_of_a_killed_run(gold)
    assert explained(gold) == {f"{added}": "interrupted run"}
    outcome = gold.dbt("run")
    assert_exact(gold, outcome)
    assert reasons(outcome, "fact_events") == "interrupted run"
    assert explained(gold, "fact_user_activity") == {}

    project = copy_of_the_project(tmp_path)
    macro = project / "macros" / "staging" / "clean.sql"
    macro.write_text(macro.read_text().replace("nullif({{ text }}, '')", "nullif( {{ text }}, '')"))
    partitions = check.partitions(gold.gold, "fact_events")
    assert explained(replace(gold, project=project)) == dict.fromkeys(partitions, "code changed")
    assert explained(gold, rebuild=True) == dict.fromkeys(partitions, "asked for")


# --- what others do beside a run -------------------------------------------------------------------


def test_a_run_reads_its_own_silver(gold: Warehouse, lake: Lake, tmp_path: Path) -> None:
    """Although another run of the same catalog makes the same source of another folder, in the middle of this one."""
    project = copy_of_the_project(tmp_path)
    model = project / "models" / "fact" / "fact_events.sql"
    hook = "alter view silver_test.events as select 1 as another"
    model.write_text(f"""{{{{ config(pre_hook="{hook}") }}}}\n{model.read_text()}""")
    lake.add_day(date(2024, 3, 10))
    assert_exact(gold, replace(gold, project=project).dbt("run"))


def test_a_session_that_skips_files_is_told_not_to(gold: Warehouse) -> None:
    names = [f"spark.sql.files.ignore{what}Files" for what in ("Corrupt", "Missing")]
    for name in names:
        session().conf.set(name, "true")
    assert_exact(gold, gold.dbt("run"))
    assert [session().conf.get(name) for name in names] == ["false", "false"]


def test_a_file_that_changes_while_it_is_looked_at_stops_the_run(gold: Warehouse, lake: Lake) -> None:
    """Its rows would be taken out of Gold, since days are known of files as they were listed."""
    lake.add_day(date(2024, 3, 11))
    file = next(file for file in lake.files("events") if "2024-03-11" in str(file))
    before, done = check.files(gold.gold), threading.Event()

    def touch() -> None:
        while not done.wait(0.005):
            os.utime(file)

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        outcome = gold.dbt("run")
    finally:
        done.set()
        toucher.join()
    assert not outcome.success and "was replaced or deleted while this run looked at it" in outcome.message
    tables = {path: entry for path, entry in check.files(gold.gold).items() if path in before}
    assert tables == before
    assert_exact(gold, gold.dbt("run"))


def test_a_run_that_is_refused_puts_no_log_together(gold: Warehouse) -> None:
    """Another run is at work, and may be reading it."""
    manifest = gold.gold / "audit" / "manifest"
    one = next(folder for folder in manifest.iterdir() if list(folder.glob("*.parquet")))
    for number in range(101):
        shutil.copytree(one, manifest / f"{one.name}-{number}")
    claim_of_another_machine(gold)
    folders = {folder.name for folder in manifest.iterdir()}
    outcome = gold.dbt("run")
    assert not outcome.success and "Another run is writing to" in outcome.message
    assert {folder.name for folder in manifest.iterdir()} == folders
    shutil.rmtree(gold.gold / "audit" / "claims" / "owner=another")
    assert_exact(gold, gold.dbt("run"))
    assert len(list(manifest.iterdir())) < 10
