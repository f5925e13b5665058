"""Gold equals what gold.md says, on clean and on messy Silver, and bad Silver is refused before Gold is touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from goldkit import silver
from goldkit.dbt import Warehouse

from .conftest import Check, files

LAYERS = ("dim", "fact", "mart", "audit")


def test_plain_dbt_commands(warehouse: Warehouse, assert_gold: Check) -> None:
    """dbt build with every data test and unit test, then docs: each column in the catalog, and described."""
    silver.sample(warehouse.silver, days=5, events=2_000)
    outcome = warehouse.dbt("build")
    assert outcome.success, outcome.message
    assert_gold(warehouse)

    assert warehouse.dbt("docs", "generate").success
    target = warehouse.folder / "target"
    manifest = json.loads((target / "manifest.json").read_text())
    catalog = json.loads((target / "catalog.json").read_text())
    for id, node in manifest["nodes"].items():
        if node["resource_type"] in ("model", "seed") and node["config"]["materialized"] != "ephemeral":
            assert node["package_name"] == "silver_to_gold"
            described = {name for name, column in node["columns"].items() if column["description"]}
            assert set(catalog["nodes"][id]["columns"]) == described, id


def test_fifty_thousand_messy_events(warehouse: Warehouse, assert_gold: Check) -> None:
    silver.messy(warehouse.silver, events=50_000, seed=3)
    outcome = warehouse.build()
    assert outcome.success, outcome.message
    assert_gold(warehouse)
    _assert_running_twice_changes_nothing(warehouse)
    _assert_files_keep_the_contract(warehouse)


def _assert_running_twice_changes_nothing(warehouse: Warehouse) -> None:
    before = {layer: files(warehouse.gold / layer) for layer in ("dim", "fact", "mart")}
    assert warehouse.build().success
    assert {layer: files(warehouse.gold / layer) for layer in before} == before


def _assert_files_keep_the_contract(warehouse: Warehouse) -> None:
    """The parquet files of every partition of every table have the contract's columns, in order, typed."""
    manifest = json.loads((warehouse.folder / "target" / "manifest.json").read_text())
    checked = 0
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or not node["contract"]["enforced"]:
            continue
        partition = (node["config"].get("partition_by") or [None])[0]
        contract = [
            (name, ARROW[column["data_type"]]) for name, column in node["columns"].items() if name != partition
        ]
        for file in (warehouse.gold / node["fqn"][1] / node["name"]).rglob("*.parquet"):
            schema = pq.read_schema(file)
            assert [(field.name, field.type) for field in schema] == contract, file
            checked += 1
    assert checked > 50


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


def test_bad_silver_is_refused_before_gold_is_touched(warehouse: Warehouse) -> None:
    silver.sample(warehouse.silver, days=2, events=200)
    assert warehouse.build().success
    before = files(warehouse.gold)
    good = warehouse.silver

    warehouse.silver = warehouse.folder / "nowhere"
    _assert_refused(warehouse, f"No parquet file in {warehouse.silver}/events", before)

    warehouse.silver = _copy(good, warehouse.folder / "missing")
    shutil.rmtree(warehouse.silver / "users")
    _assert_refused(warehouse, f"No parquet file in {warehouse.silver}/users", before)

    warehouse.silver = _copy(good, warehouse.folder / "cut")
    file = sorted((warehouse.silver / "transactions").rglob("*.parquet"))[0]
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    _assert_refused(warehouse, f"{file}: not a whole parquet file", before)


def _copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def _assert_refused(warehouse: Warehouse, line: str, before: dict[str, int]) -> None:
    outcome = warehouse.build()
    assert not outcome.success
    assert line in outcome.message
    assert files(warehouse.gold) == before


def test_empty_datasets_make_empty_tables(warehouse: Warehouse, assert_gold: Check) -> None:
    silver.sample(warehouse.silver, days=2, events=200)
    for dataset in ("events", "users", "transactions"):
        file = sorted((warehouse.silver / dataset).rglob("*.parquet"))[0]
        table = pq.read_table(file).slice(0, 0)
        shutil.rmtree(warehouse.silver / dataset)
        (warehouse.silver / dataset).mkdir()
        pq.write_table(table, warehouse.silver / dataset / "empty.parquet")
    outcome = warehouse.build()
    assert outcome.success, outcome.message
    assert_gold(warehouse)
