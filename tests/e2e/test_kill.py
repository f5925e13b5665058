"""A run that was killed at any moment is mended by the next one: exact, and nothing left behind.

Guards against partitions that are half old and half new, tables that a killed CREATE left unknown to
the catalog, and Spark's staging folders, which nobody else cleans.

    python -m pytest tests/e2e/test_kill.py                   # one moment of a first build
    GOLD_KILLS=20 python -m pytest tests/e2e/test_kill.py -s  # so many, in builds and in later runs
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from goldkit import check
from goldkit.changes import CHANGES, Lake
from goldkit.compare import PATHS
from goldkit.dbt import BUILD, Outcome, Warehouse

from .conftest import NewWarehouse, assert_exact, claim_of_a_killed_run, copy_of_the_project, session

pytestmark = pytest.mark.long
SEED = 4
KILLS = int(os.environ.get("GOLD_KILLS", "0"))
LINES = 32  # that dbt prints: START and OK of two seeds, twelve models, two hooks


def test_run_after_a_kill_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each process lives for one run, which the optimizing compiler does not repay.
    options = os.environ["SPARK_JAVA_OPTIONS"]
    monkeypatch.setenv("SPARK_JAVA_OPTIONS", f"{options} -XX:TieredStopAtLevel=1")
    dice = random.Random() if KILLS else random.Random(2)
    lake = Lake(tmp_path / "silver", dice)
    warehouse = Warehouse("test", tmp_path / "artefacts", lake.root, tmp_path / "gold")
    for number in range(KILLS or 1):
        line, delay = dice.randrange(LINES), dice.uniform(0, 3)
        last = kill(warehouse, line, delay)
        print(f"{number:3} killed {delay:.1f} s after: {last}")
        outcome = finish(warehouse)
        assert_exact(warehouse, outcome)
        for change in dice.sample(CHANGES, 3):
            print(f"    {change.__name__}: {change(lake)}", flush=True)


def kill(warehouse: Warehouse, line: int, delay: float) -> str:
    """Start a run, kill it some time after it printed that line, and say what it printed last."""
    process = warehouse.start(*BUILD)
    assert process.stdout
    printed = [""]
    for text in process.stdout:
        if " START " in text or " OK " in text:
            printed.append(text.strip())
        if len(printed) > line + 1:
            break
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return printed[-1]


def finish(warehouse: Warehouse) -> Outcome:
    """Run to the end."""
    started_at = Outcome.now()
    process = warehouse.start(*BUILD)
    said, _ = process.communicate(timeout=600)
    return Outcome(process.returncode == 0, said, started_at)


def test_run_after_a_failed_run_clears_its_leftovers(tmp_path: Path, gold: Warehouse) -> None:
    """What a kill leaves, put there by hand: it takes luck to kill a run at each of these moments."""
    project = copy_of_the_project(tmp_path)
    (project / "models" / "mart" / "user_ltv.sql").write_text("select 1 as broken")
    gold.project, own = project, gold.project
    assert not gold.build().success
    gold.project = own

    fact = gold.gold / PATHS["fact_events"]
    first, second, third, *_ = sorted(fact.glob("*=*"))
    for table in ("fact_events", "dim_users", "user_ltv", "rejected_events"):
        staging = gold.gold / PATHS[table] / ".spark-staging-1" / first.name
        staging.mkdir(parents=True)
        (staging / "part-0.parquet").write_bytes(b"half a file")
    (gold.gold / PATHS["dim_date"] / "_temporary" / "0").mkdir(parents=True)
    (gold.gold / PATHS["dim_date"] / "_temporary" / "0" / "part-0.parquet").write_bytes(b"")
    for file in first.iterdir():  # old files deleted, new ones not yet there
        file.unlink()
    first.rmdir()
    next(second.glob("*.parquet")).unlink()  # moved in part, as on S3
    value = third.name.split("=")[1]  # moved, not yet in the catalog
    session().sql(f"alter table gold_test.fact_events drop partition (event_date='{value}')")

    claim_of_a_killed_run(gold)
    # The run that takes it over does not look at the fact.
    assert gold.build("--select", "dim_users").success
    gold.project = project
    assert not gold.build("--select", "user_ltv").success
    gold.project = own

    assert_exact(gold, gold.build())
    shown = session().sql("show partitions gold_test.fact_events").collect()
    assert {row[0].split("=")[1] for row in shown} == check.partitions(gold.gold, "fact_events")


def test_run_after_a_killed_create_takes_the_folder_over(
    gold: Warehouse, lake: Lake, new_warehouse: NewWarehouse
) -> None:
    """The catalog knows neither the tables nor the folders: as good as a lost metastore."""
    again = new_warehouse(lake.root)
    again.gold = gold.gold
    lake.delete(lake.file("events"))
    assert_exact(again, again.build())
