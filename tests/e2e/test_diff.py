"""The summary of a pull request names what a change does to Gold, and nothing else.

Guards against a summary that cries wolf, which nobody reads, and against one that is silent about rows or contracts.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldkit import diff, rows, silver
from goldkit.dbt import Warehouse
from goldkit.diff import Report
from goldkit.environment import PROJECT, SetupError

from .conftest import NewWarehouse, copy_of_the_project

Edit = tuple[str, str, str]  # a file of the project, its text, and what stands there instead
REVENUE = "models/mart/daily_revenue.sql"
RULE = (REVENUE, "status = 'delivered'", "status in ('delivered', 'shipped')")
COMMENTS = (
    (REVENUE, "by_day as (\n", "-- Refunds count.\nby_day as (\n"),
    ("models/mart/_mart__models.yml", "One row per UTC day", "One row per day, in UTC,"),
    ("macros/staging/average.sql", "{% macro", "{# Half up. #}\n{% macro"),
)


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory, new_warehouse: NewWarehouse) -> Callable[..., Report]:
    """What edits of the project come to. The base is the project as it is, and built once."""
    lake, kept = tmp_path_factory.mktemp("silver"), tmp_path_factory.mktemp("kept")
    silver.sample(lake, days=3, events=300)
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))

    def report(*edits: Edit) -> Report:
        for file, old, new in edits:
            text = (PROJECT / file).read_text()
            assert old in text
            (project / file).write_text(text.replace(old, new, 1))
        base, changed = new_warehouse(lake), new_warehouse(lake, "change")
        base.gold, changed.project = kept / "gold", project
        try:
            return diff.between(base, changed, Warehouse("plan", changed.folder, lake, base.gold, project))
        finally:
            for file, _, _ in edits:
                (project / file).write_text((PROJECT / file).read_text())

    return report


@pytest.mark.long
@pytest.mark.usefixtures("artefacts")
def test_one_rule_of_one_table(change: Callable[..., Report]) -> None:
    report = change(RULE)
    assert report.differing == ["daily_revenue"]
    (table,) = report.tables
    assert (table.partitions, table.why) == ("1 of 1", "code changed")
    assert list(table.rows.columns) == ["delivered_order_count"]
    assert table.rows.changed == table.rows.columns["delivered_order_count"] > 0
    assert table.rows.added == table.rows.removed == 0
    assert "`date=2024-01-01`: `delivered_order_count" in table.rows.examples[0]
    assert report.contract == []
    assert report.exposures == ["Gold report, by daily_revenue", "Redshift load, by daily_revenue"]
    assert report.plan == ["1 partition for new code: daily_revenue 1"]
    assert report.text.startswith("**Rows differ in 1 table: daily_revenue.**")


@pytest.mark.long
@pytest.mark.usefixtures("artefacts")
def test_comments_change_nothing(change: Callable[..., Report]) -> None:
    """Of SQL, of a macro, and a description of the contract."""
    report = change(*COMMENTS)
    assert not any((report.tables, report.contract, report.exposures, report.plan))
    assert report.text == f"**Nothing changes: the engine calls all {len(report.unchanged)} tables UNCHANGED.**\n"


def manifest(**columns: str) -> dict[str, Any]:
    """As much of dbt's manifest as says that there is a table of these columns."""
    node = {
        "name": "sales",
        "resource_type": "model",
        "config": {"materialized": "incremental", "partition_by": ["month"]},
        "columns": {name: {"data_type": kind} for name, kind in columns.items()},
    }
    return {"nodes": {"model.shop.sales": node}}


SALES = manifest(day="date", amount="decimal(18,2)", month="string")


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        ({"day": "date", "month": "string"}, ["BREAKING: sales.amount is gone"]),
        (
            {"day": "date", "amount": "double", "month": "string"},
            ["BREAKING: sales.amount is double, and was decimal(18,2)"],
        ),
        (
            {"amount": "decimal(18,2)", "day": "date", "month": "string"},
            ["BREAKING: the columns of sales are now amount, day, month"],
        ),
        (
            {"day": "date", "tax": "int", "amount": "decimal(18,2)", "month": "string"},
            ["BREAKING: the columns of sales are now day, tax, amount, month", "sales.tax is new, int"],
        ),
        (
            {"day": "date", "amount": "decimal(18,2)", "tax": "int", "month": "string"},
            ["sales.tax is new, int"],
        ),
    ],
    ids=["removed", "retyped", "reordered", "added between others", "added behind them"],
)
def test_contracts(columns: dict[str, str], lines: list[str]) -> None:
    assert diff.contract_changes(SALES, manifest(**columns)) == lines
    assert ("BREAKING" in Report(contract=lines).verdict) == (lines[0].startswith("BREAKING"))


def test_tables_that_come_and_go() -> None:
    renamed = copy.deepcopy(SALES)
    renamed["nodes"]["model.shop.sales"]["name"] = "orders"
    assert diff.contract_changes(SALES, renamed) == ["BREAKING: sales is gone", "orders is a new table"]


def write(folder: Path, *values: tuple[int, str | None]) -> Path:
    folder.mkdir()
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    table = pa.Table.from_pylist([{"id": id, "text": text} for id, text in values], schema)
    pq.write_table(table, folder / "a.parquet")
    return folder


def test_rows(tmp_path: Path) -> None:
    """By a key, which two rows may share, and without one; a table without files has no rows."""
    columns = {"id": "bigint", "text": "string"}
    before = write(tmp_path / "before", (1, "same"), (2, None), (3, "gone"), (4, "twice"), (4, "twice"))
    after = write(tmp_path / "after", (1, "same"), (2, "b"), (4, "twice"), (4, "twice"), (5, "new"))
    found = rows.compare(before, after, columns, columns, ["id"])
    assert (found.added, found.removed, found.changed, found.columns) == (1, 1, 1, {"text": 1})
    assert found.examples == ["`id=2`: `text None → b`", "added: `id=5, text=new`", "removed: `id=3, text=gone`"]
    found = rows.compare(before, after, columns, columns, [])
    assert (found.added, found.removed, found.changed) == (2, 2, 0)
    retyped = rows.compare(before, after, columns, {"id": "string", "text": "string"}, ["id"])
    assert (retyped.added, retyped.removed, retyped.changed) == (1, 1, 1)
    assert rows.compare(tmp_path / "none", after, columns, columns, ["id"]).added == 5
    assert rows.compare(after, after, columns, columns, ["id"]) == rows.Rows()


def test_worktree_is_removed_after_a_failure(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    with pytest.raises(ZeroDivisionError), diff.checked_out("HEAD", folder) as project:
        assert (project / "dbt_packages" / "exact" / "dbt_project.yml").exists()
        raise ZeroDivisionError
    assert not folder.exists()
    assert str(folder) not in diff.git("worktree", "list")
    with pytest.raises(SetupError, match="no-such-branch"):
        diff.run("no-such-branch", tmp_path)
