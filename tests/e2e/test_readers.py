"""Readers never miss a Gold table while it is rebuilt in place.

Guards against tables that are dropped to be rebuilt. Every table is looked up in the catalog and its
rows are counted ten times a second; the longest time that one reads as empty or short is printed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from goldkit import silver
from goldkit.compare import PATHS
from goldkit.dbt import Warehouse

from .conftest import assert_exact, session

EVERY = 0.1  # seconds


@dataclass
class Reader(threading.Thread):
    """Looks at every table until it is told to stop."""

    gold: Path
    rows: dict[str, int]
    missing: set[str] = field(default_factory=set)
    readings: int = 0
    longest: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.stopped = threading.Event()
        self.since: dict[tuple[str, str], float] = {}
        self.catalog: Any = session()._jsparkSession.sharedState().externalCatalog()

    def run(self) -> None:
        while not self.stopped.wait(EVERY):
            self.readings += 1
            for table in PATHS:
                if not self.catalog.tableExists("gold_test", table):
                    self.missing.add(table)
                rows = count(self.gold / PATHS[table])
                self.note(table, "empty", rows == 0 < self.rows[table])
                self.note(table, "short", rows < self.rows[table])

    def note(self, table: str, what: str, now: bool) -> None:
        """Keep the longest time for which something holds at one reading after the other."""
        if not now:
            self.since.pop((table, what), None)
            return
        since = self.since.setdefault((table, what), time.monotonic())
        times = self.longest.setdefault(what, {})
        times[table] = max(times.get(table, 0.0), time.monotonic() - since + EVERY)


def count(table: Path) -> int:
    """The rows of all files that are there."""
    rows = 0
    for file in table.rglob("[!._]*.parquet"):
        if any(part.startswith((".", "_")) for part in file.relative_to(table).parts):
            continue
        try:
            rows += pq.read_metadata(file).num_rows
        except FileNotFoundError:
            continue
    return rows


def test_no_table_is_missing_during_a_rebuild(warehouse: Warehouse) -> None:
    silver.sample(warehouse.silver, days=10, events=2_000)
    assert_exact(warehouse, warehouse.build())
    rows = {table: count(warehouse.gold / path) for table, path in PATHS.items()}
    reader = Reader(warehouse.gold, rows)
    reader.start()
    started = time.monotonic()
    try:
        outcome = warehouse.dbt("run", variables={"rebuild": True})
    finally:
        reader.stopped.set()
        reader.join()
    assert_exact(warehouse, outcome)
    rate = reader.readings / (time.monotonic() - started)
    print(f"{reader.readings} readings of {len(PATHS)} tables, {rate:.1f} a second")
    for what in ("empty", "short"):
        times = reader.longest.get(what, {})
        print(
            f"longest time {what}: "
            + (", ".join(f"{t} {s:.1f} s" for t, s in times.items()) or "none")
        )
    assert reader.missing == set()
