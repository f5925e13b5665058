"""After any change to Silver a plain run leaves Gold equal to a full rebuild.

Guards against what nobody thought of: changes of every kind in random order, a plain run after each,
and then all ten tables and the rejected ones are what the oracle says, and now and then, but not in
`make test`, what a rebuild from nothing in another folder gives. Each run may rewrite only the
partitions whose inputs changed, and leaves nothing lying about. After each run the load into Redshift
makes that equal to Gold (docs/redshift.md), on PostgreSQL.

    python -m pytest tests/e2e/test_property.py                      # each kind once, twelve to a run
    GOLD_CHANGES=200 python -m pytest tests/e2e/test_property.py -s  # so many, at random; one to three hours

A failure prints the changes that led to it; with GOLD_SHRINK=1 hypothesis looks for fewer.
"""

from __future__ import annotations

import os
import random
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from goldkit import check
from goldkit.changes import CHANGES, Lake, touched_days
from goldkit.compare import PATHS
from goldkit.oracle import gold as compute

from .conftest import NewWarehouse, assert_exact
from .postgres import Postgres, Redshift, manifest_of

MANY = int(os.environ.get("GOLD_CHANGES", "0"))
AT_ONCE = 1 if MANY else 12  # changes between two runs
# On one lake. A long test is of two: of more, hypothesis makes some from earlier ones, and once called that flaky.
RUNS = -(-MANY // 2) if MANY else -(-len(CHANGES) // AT_ONCE)
REBUILD_EVERY = min(10, RUNS)  # runs


class SilverChanges(RuleBasedStateMachine):
    """A lake, its Gold, and what is done to the lake.

    The simplest sequence, which is the one that the short version takes, goes through the kinds of
    change in their order.
    """

    new_warehouse: ClassVar[NewWarehouse]
    postgres: ClassVar[Postgres]
    folders: ClassVar[pytest.TempPathFactory]
    rebuilds: ClassVar[bool]
    total: ClassVar[int] = 0

    @initialize(seed=st.integers(0, 10_000))
    def fill(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.lake = Lake(type(self).folders.mktemp("silver"), self.dice)
        self.warehouse = type(self).new_warehouse(self.lake.root)
        self.gold = self.warehouse.gold
        self.kind = self.runs = 0
        outcome = self.warehouse.build()
        assert_exact(self.warehouse, outcome)
        self.expected = compute(self.lake.root, now=outcome.started_at)
        self.redshift = Redshift(type(self).postgres, manifest_of(self.warehouse))
        self.redshift.make()
        self.load()

    def load(self) -> None:
        self.redshift.show(self.gold)
        self.redshift.load()
        assert self.redshift.unlike_gold(self.gold) == []
        assert set(self.redshift.load().values()) == {0}

    @rule(skips=st.lists(st.integers(0, len(CHANGES) - 1), min_size=AT_ONCE, max_size=AT_ONCE))
    def change_silver(self, skips: list[int]) -> None:
        before, files, expected = self.lake.snapshot(), check.files(self.gold), self.expected
        for skip in skips:
            change = CHANGES[(self.kind + skip) % len(CHANGES)]
            self.kind += skip + 1
            what = change(self.lake).replace(f"{self.lake.root}/", "")
            type(self).total += 1
            print(f"{type(self).total:4} {change.__name__}: {what}", flush=True)
        outcome = self.warehouse.dbt("run")
        assert_exact(self.warehouse, outcome)
        self.expected = compute(self.lake.root, now=outcome.started_at)
        after = self.lake.snapshot()
        days = {dataset: touched_days(before[dataset], after[dataset]) for dataset in before}
        days["restated"] = restated_days(expected, self.expected)
        assert_only_needed(files, check.files(self.gold), days)
        self.load()
        self.runs += 1
        if self.rebuilds and self.runs % REBUILD_EVERY == 0:
            self.rebuild()

    def rebuild(self) -> None:
        rebuilt = type(self).new_warehouse(self.lake.root, "rebuilt")
        outcome = rebuilt.build()
        assert outcome.success, outcome.message
        assert check.unlike(self.gold, rebuilt.gold) == []


def restated_days(before: dict[str, pa.Table], after: dict[str, pa.Table]) -> set[str]:
    """The days with a row of a user whose copied attributes are others than before."""

    def attributes(tables: dict[str, pa.Table]) -> dict[str, tuple[object, ...]]:
        rows = tables["dim_users"].to_pylist()
        return {row["user_id"]: (row["city"], row["age"], row["email"]) for row in rows}

    old, new = attributes(before), attributes(after)
    nobody = (None, None, None)
    users = {u for u in old.keys() | new.keys() if old.get(u, nobody) != new.get(u, nobody)}
    return {
        str(row[day])
        for tables in (before, after)
        for fact, day in (("fact_events", "event_date"), ("fact_transactions", "tx_date"))
        for row in tables[fact].to_pylist()
        if row["user_id"] in users
    }


def assert_only_needed(before: check.Files, after: check.Files, days: dict[str, set[str]]) -> None:
    """A partition is other files than before only where its inputs are."""
    changed = {table: check.rewritten(before, after, table) for table in PATHS}
    for table in ("rejected_events", "rejected_transactions"):  # without a day: by the month of their file
        changed[table] = {"unknown" if p.startswith("unknown") else p for p in changed[table]}
    assert changed["fact_events"] <= days["events"] | days["restated"]
    assert changed["fact_transactions"] <= days["transactions"] | days["restated"]
    assert changed["rejected_events"] <= days["events"]
    assert changed["rejected_transactions"] <= days["transactions"]
    activity = changed["fact_user_activity"]
    assert activity <= changed["fact_events"] | changed["fact_transactions"]
    assert changed["daily_active_users"] <= {day[:7] for day in activity}
    assert changed["daily_revenue"] <= {day[:7] for day in changed["fact_transactions"]}
    assert activity or not changed["user_ltv"]
    assert days["users"] or not changed["dim_users"]


def test_any_change_to_silver(
    new_warehouse: NewWarehouse,
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    SilverChanges.rebuilds = request.config.getoption("markexpr") != "not long"
    SilverChanges.folders = tmp_path_factory
    SilverChanges.new_warehouse = staticmethod(new_warehouse)
    SilverChanges.postgres = postgres
    shrink = (Phase.shrink,) if os.environ.get("GOLD_SHRINK") else ()
    run_state_machine_as_test(
        SilverChanges,
        settings=settings(
            max_examples=max(1, -(-MANY // RUNS)),
            stateful_step_count=RUNS + 1,  # fill is one
            phases=(Phase.generate, *shrink),
            derandomize=not MANY,
            database=None,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{SilverChanges.total} changes")
    assert SilverChanges.total >= (MANY or len(CHANGES))
