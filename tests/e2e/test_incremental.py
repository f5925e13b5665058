"""After any change to Silver a plain run leaves Gold exact, and only the partitions that changed are new files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from goldkit import silver
from goldkit.dbt import Warehouse

from .conftest import Check, files


def _day(lake: Path, dataset: str, index: int) -> Path:
    return sorted((lake / dataset).iterdir())[index]


def _rename(table: pa.Table, column: str, prefix: str) -> pa.Table:
    """The table with new ids."""
    ids = pa.array([None if v is None else prefix + v for v in table.column(column).to_pylist()])
    return table.set_column(table.schema.get_field_index(column), column, ids)


def _late_rows(lake: Path) -> None:
    folder = _day(lake, "events", 1)
    table = pq.read_table(next(folder.glob("*.parquet")), partitioning=None)
    pq.write_table(_rename(table.slice(0, 5), "event_id", "late"), folder / "late.parquet")


def _vanished_day(lake: Path) -> None:
    shutil.rmtree(_day(lake, "transactions", 3))


def _changed_user(lake: Path) -> None:
    file = next((lake / "users").rglob("*.parquet"))
    table = pq.read_table(file)
    cities = table.column("city").to_pylist()
    cities[0] = "Elsewhere"
    table = table.set_column(table.schema.get_field_index("city"), "city", pa.array(cities))
    pq.write_table(table, file)


def _restored_with_an_old_time(lake: Path) -> None:
    file = _day(lake, "events", 1) / "late.parquet"
    pq.write_table(pq.read_table(file, partitioning=None).slice(0, 3), file)
    os.utime(file, (1, 1))


def _compacted_day(lake: Path) -> None:
    folder = _day(lake, "events", 1)
    table = pa.concat_tables([pq.read_table(file, partitioning=None) for file in sorted(folder.glob("*.parquet"))])
    shutil.rmtree(folder)
    folder.mkdir()
    pq.write_table(table, folder / "compact.parquet")


def _delivered_again(lake: Path) -> None:
    folder = _day(lake, "transactions", 0)
    shutil.copy(next(folder.glob("*.parquet")), folder / "again.parquet")


CHANGES: dict[Callable[[Path], None], set[str] | None] = {
    # The days whose files in fact_events may be new; None where any may.
    _late_rows: {"event_date=2024-01-02"},
    _vanished_day: set(),
    _delivered_again: set(),
    _restored_with_an_old_time: {"event_date=2024-01-02"},
    # Its folder also holds rows of the day before, which arrived late.
    _compacted_day: {"event_date=2024-01-01", "event_date=2024-01-02"},
    _changed_user: None,
}


def test_each_change_is_exact_and_rewrites_no_more_than_it_must(warehouse: Warehouse, assert_gold: Check) -> None:
    silver.sample(warehouse.silver, days=5, events=1_000)
    assert warehouse.build().success
    for change, days in CHANGES.items():
        before = files(warehouse.gold / "fact" / "fact_events")
        change(warehouse.silver)
        outcome = warehouse.build()
        assert outcome.success, outcome.message
        assert_gold(warehouse)
        after = files(warehouse.gold / "fact" / "fact_events")
        if days is not None:
            touched = {file.split("/")[0] for file, _ in set(before.items()) ^ set(after.items())}
            assert touched == days, change.__name__


def test_a_vanished_partition_leaves_no_file(warehouse: Warehouse, assert_gold: Check) -> None:
    silver.sample(warehouse.silver, days=3, events=300)
    assert warehouse.build().success
    for dataset in ("events", "transactions"):
        for folder in sorted((warehouse.silver / dataset).iterdir())[2:]:  # the day, and its late rows
            shutil.rmtree(folder)
    assert warehouse.build().success
    assert not (warehouse.gold / "fact" / "fact_events" / "event_date=2024-01-03").exists()
    assert_gold(warehouse)
