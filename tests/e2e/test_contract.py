"""A model that drifts from its contract is refused on an incremental run too, and its table stays whole.

Neither adapter does that: dbt-spark and dbt-glue check on the first run only (adapters.md 8).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from goldkit import silver
from goldkit.dbt import Warehouse
from goldkit.environment import PROJECT

from .conftest import Check, files


def _copy_of_the_project(folder: Path) -> Path:
    for part in ("models", "macros", "seeds", "tests/data", "analyses", "dbt_packages"):
        shutil.copytree(PROJECT / part, folder / part)
    for part in ("dbt_project.yml", "packages.yml"):
        shutil.copy(PROJECT / part, folder / part)
    return folder


def test_drift_is_refused_on_a_later_run(warehouse: Warehouse, assert_gold: Check) -> None:
    silver.sample(warehouse.silver, days=2, events=200)
    warehouse.project = _copy_of_the_project(warehouse.folder / "project")
    model = warehouse.project / "models" / "fact" / "fact_transactions.sql"
    sound = model.read_text()
    assert warehouse.build().success
    before = files(warehouse.gold / "fact")

    drifts = {
        "amount decimal(18,2) in the contract, amount double here": sound.replace(
            "transactions.amount,", "cast(transactions.amount as double) as amount,"
        ),
        "nothing in the contract, tx_date date here": sound.replace(
            "transactions.tx_date\n", "'more' as surprise,\n        transactions.tx_date\n"
        ),
    }
    for line, drifted in drifts.items():
        assert drifted != sound
        model.write_text(drifted)
        outcome = warehouse.build("--select", "fact_transactions")
        assert not outcome.success
        assert line in outcome.message
        assert files(warehouse.gold / "fact") == before

    model.write_text(sound)
    assert warehouse.build().success
    assert_gold(warehouse)


def test_changed_contract_wants_a_full_refresh(warehouse: Warehouse) -> None:
    silver.sample(warehouse.silver, days=2, events=200)
    warehouse.project = _copy_of_the_project(warehouse.folder / "project")
    assert warehouse.build().success
    before = files(warehouse.gold / "mart")

    folder = warehouse.project / "models" / "mart"
    for file, old, new in (
        ("daily_revenue.sql", "count(*) as transaction_count", "cast(count(*) as int) as transaction_count"),
        ("_mart__models.yml", "data_type: bigint", "data_type: int"),
    ):
        text = (folder / file).read_text()
        start = text.index("- name: transaction_count") if file.endswith("yml") else 0
        (folder / file).write_text(text[:start] + text[start:].replace(old, new, 1))

    refused = warehouse.build("--select", "daily_revenue")
    assert not refused.success
    assert "dbt build --full-refresh --select daily_revenue+" in refused.message
    assert files(warehouse.gold / "mart") == before

    refreshed = warehouse.build("--select", "daily_revenue", "--full-refresh")
    assert refreshed.success, refreshed.message
