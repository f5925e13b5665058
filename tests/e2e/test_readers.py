"""Readers never miss a Gold table while it is rebuilt in place.

Guards against tables that are dropped to be rebuilt. A process of its own counts the rows of every table
ten times a second, as a reader of its files would; a thread asks the catalog for it. The longest time
that a table reads as empty or short is printed.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from goldkit import check, silver
from goldkit.compare import PATHS
from goldkit.dbt import Warehouse

from .conftest import DAILY, MONTHLY, assert_exact, session

EVERY = 0.1  # seconds


@dataclass
class Seen:
    """What a reader saw: how often it looked, and for how many seconds each table was empty or short."""

    readings: int = 0
    seconds: float = 0.0
    longest: dict[str, dict[str, float]] = field(default_factory=lambda: {"empty": {}, "short": {}})

    @property
    def rate(self) -> float:
        return self.readings / self.seconds


class Counter:
    """Counts rows by the footers of files, each of which is read once."""

    def __init__(self) -> None:
        self.footers: dict[tuple[str, int, int], int] = {}

    def rows(self, table: Path) -> int:
        """The rows of all files that are there."""
        total = 0
        for folder, folders, names in os.walk(table):  # does not mind folders that go
            folders[:] = [name for name in folders if name[0] not in "._"]
            for name in names:
                if name[0] in "._" or not name.endswith(".parquet"):
                    continue
                file = Path(folder, name)
                try:
                    stat = file.stat()
                    key = (str(file), stat.st_ino, stat.st_mtime_ns)
                    if key not in self.footers:
                        self.footers[key] = pq.read_metadata(file).num_rows
                except FileNotFoundError:
                    continue
                total += self.footers[key]
        return total


def watch(gold: Path, rows: dict[str, int], stopped: Any, answer: Any) -> None:
    """Count all tables until told to stop, then answer what was seen."""
    seen, counter = Seen(), Counter()
    since: dict[tuple[str, str], float] = {}

    def note(table: str, what: str, now: bool) -> None:
        if now:
            first = since.setdefault((table, what), time.monotonic())
            times = seen.longest[what]
            times[table] = max(times.get(table, 0.0), time.monotonic() - first + EVERY)
        else:
            since.pop((table, what), None)

    started = following = time.monotonic()
    while not stopped.wait(max(0.0, following - time.monotonic())):
        following += EVERY
        for table in PATHS:
            found = counter.rows(gold / PATHS[table])
            note(table, "empty", found == 0 < rows[table])
            note(table, "short", found < rows[table])
        seen.readings += 1
    seen.seconds = time.monotonic() - started
    answer.put(seen)


def during(gold: Path, rows: dict[str, int], act: Callable[[], Any]) -> tuple[Any, Seen, set[str]]:
    """Do something under the eyes of readers: its result, what was counted, what the catalog missed."""
    spawn = multiprocessing.get_context("spawn")
    stopped, answer = spawn.Event(), spawn.Queue()
    missing: set[str] = set()
    catalog = session()._jsparkSession.sharedState().externalCatalog()

    def look_up() -> None:
        while not stopped.wait(EVERY):
            missing.update(table for table in PATHS if not catalog.tableExists("gold_test", table))

    counting = spawn.Process(target=watch, args=(gold, rows, stopped, answer))
    readers: list[Any] = [counting, threading.Thread(target=look_up)]
    for reader in readers:
        reader.start()
    try:
        result = act()
    finally:
        stopped.set()
        seen = answer.get(timeout=60)
        for reader in readers:
            reader.join()
    return result, seen, missing


@pytest.mark.long
def test_no_table_is_missing_during_a_rebuild(warehouse: Warehouse) -> None:
    silver.sample(warehouse.silver, days=10, events=2_000)
    assert_exact(warehouse, warehouse.build())
    rows = {table: Counter().rows(warehouse.gold / path) for table, path in PATHS.items()}
    before = check.files(warehouse.gold)
    outcome, seen, missing = during(warehouse.gold, rows, lambda: warehouse.dbt("run", variables={"rebuild": True}))
    assert_exact(warehouse, outcome)
    for table in (*DAILY, *MONTHLY, "dim_users", "user_ltv"):
        rewritten = check.rewritten(before, check.files(warehouse.gold), table)
        assert rewritten == check.partitions(warehouse.gold, table)
    print(f"{seen.readings} readings of {len(PATHS)} tables, {seen.rate:.1f} a second")
    for what, times in seen.longest.items():
        found = ", ".join(f"{table} {seconds:.1f} s" for table, seconds in times.items())
        print(f"longest time {what}: {found or 'none'}")
    assert missing == set()
    assert seen.readings > 0
