"""Gold equals what docs/gold.md says, on clean and on messy Silver, and bad Silver is refused before Gold is touched.

Guards against a rule of the contract that a model gets wrong, against Silver that no author of a
schema would think of, and against a run on broken Silver that touches Gold before it says so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from goldkit import changes, check, cli, silver
from goldkit.compare import PATHS, read_table
from goldkit.dbt import Outcome, Warehouse
from goldkit.environment import PROJECT

from .conftest import NewWarehouse, assert_exact, session, unreadable

EVENTS = int(os.environ.get("GOLD_EVENTS", "10000"))  # of the messy Silver


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, new_warehouse: NewWarehouse) -> Warehouse:
    warehouse = new_warehouse(tmp_path_factory.mktemp("silver"), "plain")
    silver.sample(warehouse.silver, days=5, events=2_000)
    return warehouse


@pytest.fixture(scope="module")
def built(plain: Warehouse, request: pytest.FixtureRequest) -> Outcome:
    """dbt build with every unit test and, but for make test-quick, every data test."""
    quick = request.config.getoption("markexpr") == "quick"
    return plain.dbt("build", *(("--exclude-resource-type", "test") if quick else ()))


@pytest.mark.quick
@pytest.mark.usefixtures("artefacts")
def test_plain_dbt_commands(plain: Warehouse, built: Outcome) -> None:
    """After the build, docs: each column in the catalog, with its type, and described."""
    assert_exact(plain, built)
    outcome = plain.dbt("docs", "generate")
    assert outcome.success, outcome.message
    manifest = json.loads((plain.target() / "manifest.json").read_text())
    catalog = json.loads((plain.target() / "catalog.json").read_text())
    for id, node in manifest["nodes"].items():
        if (
            node["resource_type"] in ("model", "seed")
            and node["config"]["materialized"] != "ephemeral"
        ):
            assert node["package_name"] == "silver_to_gold"
            spark = {"int": "integer", "bigint": "long"}
            described = {
                name: spark.get(column["data_type"], column["data_type"])
                for name, column in node["columns"].items()
                if column["description"]
            }
            columns = catalog["nodes"][id]["columns"].items()
            assert {name: column["type"] for name, column in columns} == described, id
    assert catalog["errors"] is None


@pytest.mark.usefixtures("built")
def test_a_new_day_opens_no_file_of_others(plain: Warehouse) -> None:
    others = _activity(plain)
    _deliver(plain, silver.START + timedelta(days=20), "new")
    with unreadable(others):
        outcome = plain.dbt("run")
    assert_exact(plain, outcome)
    assert "1 of" in outcome.said("fact_events") and "1 of" in outcome.said("fact_transactions")


@pytest.mark.usefixtures("built")
def test_a_moment_is_parsed_once(plain: Warehouse) -> None:
    """However often it is used, and with the engine's predicate, which Spark puts below the shuffle."""
    sql = _compiled(plain, "fact/fact_events", {})
    plan = session().sql(f"explain select * from ({sql}) where event_date in (date '2024-01-01')").collect()[0].plan
    assert plan.count("try_cast(") == 1, plan


@pytest.mark.long
def test_the_first_rejected_rows_open_no_file_of_other_days(warehouse: Warehouse) -> None:
    """All partitions of rejected rows are stale then, and yet they are few days of Silver."""
    silver.write(warehouse.silver / "users" / "part.parquet", [{"user_id": "u00001"}])
    _deliver(warehouse, silver.START, "a")
    assert_exact(warehouse, warehouse.build())
    others = _activity(warehouse)
    _deliver(warehouse, silver.START + timedelta(days=1), "b", "")
    with unreadable(others):
        outcome = warehouse.build()
    assert_exact(warehouse, outcome)
    assert "1 of 1 " in outcome.said("rejected_events") and "1 of 1 " in outcome.said("rejected_transactions")


@pytest.mark.usefixtures("artefacts")
def test_messy_silver(warehouse: Warehouse) -> None:
    """Ten thousand events lie in folders of days, transactions of statuses, users of cities."""
    silver.messy(warehouse.silver, events=EVENTS, seed=24)
    assert_exact(warehouse, warehouse.build())
    _assert_nothing_is_lost(warehouse)
    _assert_files_keep_the_contract(warehouse)
    _assert_nothing_to_do(warehouse)


@pytest.mark.long
def test_messy_silver_in_other_folders(warehouse: Warehouse) -> None:
    """Events in folders of countries, transactions of days."""
    silver.messy(warehouse.silver, events=2_000, seed=9)
    assert_exact(warehouse, warehouse.build())
    _assert_nothing_is_lost(warehouse)


@pytest.mark.long
def test_size_decides_files_and_joins_and_no_row(warehouse: Warehouse) -> None:
    """The same rows, and the same code: whatever is written otherwise, the next run has nothing to do."""
    silver.messy(warehouse.silver, events=2_000, seed=11)
    small_files: dict[str, object] = {"rows_per_file": 20}
    assert_exact(warehouse, warehouse.build(variables=small_files))
    sql = _compiled(warehouse, "fact_events", small_files)
    assert re.search("then [0-9]", sql) and "broadcast(users)" in sql
    _assert_nothing_to_do(warehouse)
    no_copy: dict[str, object] = {"broadcast_rows": 0, "rebuild": True}
    assert_exact(warehouse, warehouse.build(variables=no_copy))
    sql = _compiled(warehouse, "fact_events", no_copy)
    assert not re.search("then [0-9]", sql) and "broadcast(" not in sql
    _assert_nothing_to_do(warehouse)
    large_days: dict[str, object] = {"rows_of_small_days": 0, "rebuild": True}
    assert_exact(warehouse, warehouse.build(variables=large_days))
    assert " - 1" in _compiled(warehouse, "fact_events", small_files)
    assert " - 1" not in _compiled(warehouse, "fact_events", large_days)
    _assert_nothing_to_do(warehouse)


@pytest.mark.long
def test_moments_of_all_eras(warehouse: Warehouse) -> None:
    """One ancient moment once stopped every run. First Gold itself has them, then they are rejected.

    Hive's metastore knows no partition of 1582-10-10, and Spark writes no day of 1582 unless told how.
    """
    silver.eras(warehouse.silver)
    early = date(1582, 10, 1)
    assert_exact(warehouse, warehouse.build(variables={"earliest_date": str(early)}), earliest=early)
    assert "1582-10-10" in check.partitions(warehouse.gold, "fact_events")
    assert_exact(warehouse, warehouse.build())
    assert check.partitions(warehouse.gold, "fact_events") == {"2024-02-28", "2024-02-29"}
    _assert_nothing_is_lost(warehouse)


@pytest.mark.long
def test_ids_on_two_days_stop_nothing(warehouse: Warehouse) -> None:
    """As the warning that a few are, and as the error that many are."""
    for dataset, (key, moment) in {"events": ("event_id", "ts"), "transactions": ("tx_id", "created_at")}.items():
        for number, text in enumerate(("2024-02-28 23:59:59.9", "2024-02-29 00:00:00.1")):
            row = {key: "midnight", "user_id": "u", "amount": "1", "status": "paid", moment: text}
            silver.write(warehouse.silver / dataset / f"{number}.parquet", [row])
    silver.write(warehouse.silver / "users" / "part.parquet", [{"user_id": "u"}])
    tests = {"unique_fact_events_event_id", "unique_fact_transactions_tx_id"}
    outcome = warehouse.dbt(
        *("build", "--indirect-selection", "empty", "--select", "resource_type:seed", "resource_type:model", *tests),
        variables={"max_ids_on_two_days": 0},
    )
    said = {name: str(result.status) for name, result in outcome.results.items()}
    assert {name for name, status in said.items() if status == "fail"} == tests and not outcome.success
    assert all(said[table] == "success" for table in PATHS)
    assert_exact(warehouse, replace(outcome, success=True))
    outcome = warehouse.dbt("test", "--select", *tests)
    assert outcome.success, outcome.message
    assert {str(outcome.results[test].status) for test in tests} == {"warn"}


def _activity(warehouse: Warehouse) -> list[Path]:
    return [file for dataset in changes.ACTIVITY for file in (warehouse.silver / dataset).rglob("*.parquet")]


def _deliver(warehouse: Warehouse, day: date, *ids: str) -> None:
    """An event and a transaction of each id at noon, in a file of the day."""
    for dataset, key in changes.ACTIVITY.items():
        row = {"user_id": "u00001", changes.MOMENTS[dataset]: f"{day} 12:00:00"}
        row |= {"amount": "1", "status": "pending"} if dataset == "transactions" else {}
        rows = [{**row, changes.KEYS[dataset]: id_} for id_ in ids]
        silver.write(warehouse.silver / dataset / silver.folder(key, day) / "part-0.parquet", rows)


def _compiled(warehouse: Warehouse, model: str, variables: dict[str, object]) -> str:
    return next(warehouse.target(variables).glob(f"compiled/**/{model}.sql")).read_text()


def _assert_nothing_to_do(warehouse: Warehouse) -> None:
    before = check.files(warehouse.gold)
    outcome = warehouse.build()
    assert outcome.success, outcome.message
    assert check.files(warehouse.gold) == before
    assert all("UNCHANGED" in outcome.said(table) for table in PATHS)


def _assert_nothing_is_lost(warehouse: Warehouse) -> None:
    for dataset in ("events", "transactions"):
        tables = [warehouse.gold / PATHS[f"{table}_{dataset}"] for table in ("fact", "rejected")]
        assert rows(warehouse.silver / dataset) == sum(rows(table) for table in tables) > 0


def rows(folder: Path) -> int:
    return sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))


def _assert_files_keep_the_contract(warehouse: Warehouse) -> None:
    """The parquet files of every partition of every table have the contract's columns, in order, typed."""
    manifest = json.loads((warehouse.target() / "manifest.json").read_text())
    for table, path in PATHS.items():
        node = manifest["nodes"][f"model.silver_to_gold.{table}"]
        partition = (node["config"].get("partition_by") or [None])[0]
        contract = [(name, ARROW[column["data_type"]]) for name, column in node["columns"].items()]
        if partition:
            assert contract.pop()[0] == partition
        files = [*(warehouse.gold / path).rglob("*.parquet")]
        assert files
        for file in files:
            schema = pq.read_schema(file)
            assert [(field.name, field.type) for field in schema] == contract, file


ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal(18,2)": pa.decimal128(18, 2),
    "decimal(28,2)": pa.decimal128(28, 2),
}


def test_empty_datasets_make_empty_tables(warehouse: Warehouse) -> None:
    for dataset, schema in changes.SCHEMAS.items():
        silver.write(warehouse.silver / dataset / "part-0.parquet", [], schema)
    assert_exact(warehouse, warehouse.build())
    assert sum(rows(warehouse.gold / path) for path in PATHS.values()) == 0


def test_columns_are_void_missing_or_of_several_types(warehouse: Warehouse) -> None:
    now = datetime.now(timezone.utc)
    moment = datetime(2024, 2, 3, 10, 0, 0, 250_000, tzinfo=timezone.utc)

    def file(dataset: str, **columns: pa.Array) -> None:
        folder = warehouse.silver / dataset
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder / f"part-{len([*folder.iterdir()])}.parquet")

    file(
        "events", event_id=pa.array([1, 2]), user_id=pa.array([1.0, 2.5]), ts=pa.array([moment] * 2)
    )
    file("events", event_id=["3", " 3 ", ""], ts=["2024-02-03 11:00", "2024-02-03", "x"])
    file("events", event_id=["4"], ts=pa.array([moment.date()]), country=pa.nulls(1), user_id=["1"])
    file(
        "events",
        event_id=["5", "6"],
        ts=pa.array([now + timedelta(hours=23), now + timedelta(days=2)]),
    )
    file("events", event_id=["7"], ts=pa.nulls(1), country=[" US "])
    file("users", user_id=pa.array([1, 2]), age=pa.array([42.0, 42.5]))
    file("users", user_id=["1.0", "3"], email=[" a@example.com", ""], city=pa.nulls(2))
    file("transactions", tx_id=["1"], amount=pa.array([9.995]), created_at=pa.array([moment]))
    file(
        "transactions",
        tx_id=["2"],
        amount=pa.array([Decimal("-0.005")]),
        created_at=["2024-02-03T10"],
    )
    file("transactions", tx_id=["3"], amount=pa.array([7]), created_at=["2024-02-03T10:00Z"])
    file(
        "transactions", tx_id=["4"], amount=pa.nulls(1), created_at=["2024-02-03"], status=["PAID"]
    )
    assert_exact(warehouse, warehouse.build())
    assert rows(warehouse.gold / PATHS["fact_events"]) == 5


@pytest.mark.long
def test_files_that_agree_are_looked_at_together(warehouse: Warehouse) -> None:
    """Those that only seem to are not: what Spark makes of all of them is wrong for one."""
    silver.sample(warehouse.silver, days=2, events=50)
    assert_exact(warehouse, warehouse.build())
    events, day = warehouse.silver / "events", "2024-02-03 10:00"

    def types() -> set[str]:
        found = read_table(warehouse.gold / "audit" / "file_types").to_pylist()
        return {row["types"] for row in found if f"/{step}/" in row["file_path"]}

    steps: dict[str, dict[str, dict[str, Any]]] = {
        "lacking": {"a, b.parquet": {"country": None}, "it's {c}.parquet": {"user_id": None}},
        "numbers": {"a.parquet": {"user_id": pa.array([7])}},
        "void": {"a.parquet": {"country": pa.nulls(1)}},
        "folders": {"country=FR/a.parquet": {"country": None}},
        "decimals": {f"{n}.parquet": {"user_id": pa.array([Decimal(n)], pa.decimal128(3 + n, 0))} for n in range(4)},
    }
    for step, others in steps.items():
        same: dict[str, dict[str, Any]] = {f"{number}.parquet": {} for number in range(10, 15)}
        for number, (name, other) in enumerate({**same, **others}.items()):
            row = {"event_id": [f"{step} {number}"], "user_id": ["u1"], "ts": [day], "country": ["US"], **other}
            file = events / step / name
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({key: value for key, value in row.items() if value is not None}), file)
        assert_exact(warehouse, warehouse.build())
        assert (len(types()) == 1) == (step == "lacking"), (step, types())


def remove_all(lake: Path) -> Path:
    shutil.rmtree(lake)
    return lake


def remove_users(lake: Path) -> Path:
    shutil.rmtree(lake / "users")
    return lake / "users"


def cut_in_half(lake: Path) -> Path:
    file = next((lake / "events").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


def write_text(lake: Path) -> Path:
    file = lake / "users" / "notes.parquet"
    file.write_text("no parquet, though long enough to look like one from afar")
    return file


def write_time_of_day(lake: Path) -> Path:
    file = lake / "events" / "times.parquet"
    pq.write_table(pa.table({"event_id": ["e"], "unused": pa.array([0], pa.time32("ms"))}), file)
    return file


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (remove_all, "No parquet file in {}/events"),
        (remove_users, "No parquet file in {}"),
        (cut_in_half, "{}: not a whole parquet file"),
        (write_text, "{}: not a whole parquet file"),
        (write_time_of_day, "{}: Spark cannot read a column"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_silver_is_refused_before_gold_is_touched(
    plain: Warehouse, built: Outcome, tmp_path: Path, spoil: Callable[[Path], Path], line: str
) -> None:
    assert built.success
    lake = tmp_path / "silver"
    shutil.copytree(plain.silver, lake)
    culprit = spoil(lake)
    before = check.files(plain.gold)
    outcome = replace(plain, silver=lake).dbt("run")
    assert not outcome.success
    assert line.format(culprit) in outcome.message
    assert check.files(plain.gold) == before
    assert culprit.exists() == culprit.is_file()  # no folder was made for a wrong path


def test_file_without_a_byte_is_refused(tmp_path: Path) -> None:
    """By `make build`: Spark skips such files wherever it lists any, so that no SQL can see them."""
    silver.sample(tmp_path, days=1, events=10)
    file = next((tmp_path / "transactions").rglob("*.parquet"))
    file.write_bytes(b"")
    command = [sys.executable, "-m", "goldkit", "build"]
    environ = {**os.environ, "SILVER_BASE": str(tmp_path), "GOLD_BASE": str(tmp_path / "gold")}
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{file} is empty" in done.stdout
    assert not (tmp_path / "gold").exists()


def test_build_hands_options_to_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[str | Path, ...]] = []

    def run(*command: str | Path) -> int:
        commands.append(command)
        return 0

    monkeypatch.setenv("SILVER_BASE", str(tmp_path))
    monkeypatch.setattr(cli, "RESULTS", tmp_path / "run_results.json")
    monkeypatch.setattr(cli, "run", run)
    options = ["--vars", "{earliest_date: 1990-01-01}", "--select", "fact_events+"]
    done = CliRunner().invoke(cli.app, ["build", *options])
    assert done.exit_code == 0, done.output
    assert [[*command[-len(options) :]] for command in commands] == [options]
