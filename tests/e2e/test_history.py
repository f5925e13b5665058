"""The history of users: every version that dim_users ever had, and from which run to which.

Guards against a version that is lost or doubled, a user who is gone and still looks valid, a history that is
replaced because the adapter did not see it, personal data in clear, and users who come back.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from goldkit import silver
from goldkit.changes import Lake
from goldkit.dbt import Warehouse

from .conftest import session

SEED = 15
ALL = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
UPDATED = datetime(2024, 5, 1, tzinfo=timezone.utc)
COMMANDS = ("build", "--resource-type", "model", "--resource-type", "snapshot", "--select", "+users_history")


def versions(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """(user, city, valid from, valid to) of each version; runs are numbered by their time."""
    query = "select user_id, city, dbt_valid_from, dbt_valid_to from {{ ref('users_history') }}"
    outcome = warehouse.dbt("show", "--inline", query, "--limit", "-1")
    assert outcome.success, outcome.message
    rows = outcome.results["inline_query"].agate_table.rows
    times = sorted({row[2] for row in rows} | {row[3] for row in rows if row[3]})
    number = {time: place for place, time in enumerate(times, 1)} | {None: None}
    return sorted(((row[0], row[1], number[row[2]], number[row[3]]) for row in rows), key=repr)


def deliver(lake: Lake, cities: dict[str, str]) -> None:
    """Silver's users are these, each in a city."""
    for file in lake.files("users"):
        lake.delete(file)
    same = {"name": "N", "email": "n@example.com", "phone": None, "age": "42", "updated_at": UPDATED}
    lake.add("users", [same | {"user_id": user, "city": city} for user, city in cities.items()])


def take(warehouse: Warehouse, *args: str, **options: Any) -> str:
    """Build dim_users and the history; returns what dbt said of the latter."""
    outcome = warehouse.dbt(*(args or COMMANDS), **options)
    assert outcome.success, outcome.message
    return outcome.said("users_history")


@pytest.mark.long  # make test takes the first version of each user, and tests it: test_gold
def test_every_version_of_a_user(lake: Lake, new_warehouse: Any) -> None:
    check_every_version(new_warehouse(lake.root, "history"), lake)


def check_every_version(warehouse: Warehouse, lake: Lake) -> None:
    """A first state; a change, a new user and one who is gone; his return. Right to the row."""
    deliver(lake, {"a": "Rome", "b": "Oslo", "c": "Lima"})
    take(warehouse)
    first = [("a", "Rome", 1, None), ("b", "Oslo", 1, None), ("c", "Lima", 1, None)]
    assert versions(warehouse) == first

    assert take(warehouse, "snapshot") == "UNCHANGED"
    assert versions(warehouse) == first

    deliver(lake, {"a": "Bonn", "c": "Lima", "d": "Cork"})
    explained = take(warehouse, variables={"explain": "true"})
    assert explained.startswith("not taken") and versions(warehouse) == first
    take(warehouse)
    second = [("a", "Bonn", 2, None), ("a", "Rome", 1, 2), ("b", "Oslo", 1, 2), ("c", "Lima", 1, None)]
    assert versions(warehouse) == sorted([*second, ("d", "Cork", 2, None)], key=repr)

    deliver(lake, {"a": "Bonn", "b": "Oslo", "c": "Lima", "d": "Cork"})
    take(warehouse)
    third = [*second, ("b", "Oslo", 3, None), ("d", "Cork", 2, None)]
    assert versions(warehouse) == sorted(third, key=repr)
    assert list((warehouse.gold / "history" / "users_history" / "data").glob("*.parquet"))


@pytest.mark.long
def test_a_catalog_that_is_lost_or_behind(lake: Lake, new_warehouse: Any) -> None:
    """What is in Gold decides: no second history is begun, and no version of another machine is lost."""
    warehouse, table = new_warehouse(lake.root, "history"), "gold_history.users_history"
    check_lost_catalog(warehouse, lake, lambda: session().sql(f"drop table history.{table}"))

    first = min((warehouse.gold / "history" / "users_history" / "metadata").glob("*.metadata.json"))
    session().sql(f"drop table history.{table}")
    session().sql(f"call history.system.register_table(table => '{table}', metadata_file => '{first}')")
    assert versions(warehouse) == [("a", "Rome", 1, None)]
    deliver(lake, {"a": "Oslo"})
    take(warehouse)
    assert versions(warehouse) == [("a", "Bonn", 2, 3), ("a", "Oslo", 3, None), ("a", "Rome", 1, 2)]


def check_lost_catalog(warehouse: Warehouse, lake: Lake, lose: Callable[[], Any]) -> None:
    """A user who moves, and a catalog that forgets the table before the second run, and again before a third."""
    deliver(lake, {"a": "Rome"})
    take(warehouse)
    lose()
    deliver(lake, {"a": "Bonn"})
    take(warehouse)
    both = [("a", "Bonn", 2, None), ("a", "Rome", 1, 2)]
    assert versions(warehouse) == both
    lose()
    assert take(warehouse, "snapshot") == "UNCHANGED"
    assert versions(warehouse) == both


@pytest.mark.long
def test_a_history_that_was_copied(lake: Lake, new_warehouse: Any) -> None:
    """Iceberg keeps full paths: it is not read, and not replaced either, until somebody says so."""
    deliver(lake, {"a": "Rome"})
    before = new_warehouse(lake.root, "history")
    take(before)
    warehouse = new_warehouse(lake.root, "history")
    shutil.copytree(before.gold / "history", warehouse.gold / "history")
    outcome = warehouse.dbt(*COMMANDS)
    assert f"a history that was written in file:{before.gold}" in outcome.said("users_history")
    assert (warehouse.gold / "history").exists()

    outcome = warehouse.dbt("run-operation", "drop_history")
    assert outcome.success and not list((warehouse.gold / "history").rglob("*.*")), outcome.message
    deliver(lake, {"a": "Bonn"})
    take(warehouse)
    assert versions(warehouse) == [("a", "Bonn", 1, None)]
    for _ in range(2):
        assert warehouse.dbt("run-operation", "drop_history").success
    assert list((before.gold / "history").rglob("*.parquet"))


def everything(*folders: Path) -> str:
    """What a search of every byte finds: files as they are, and parquet's values, which are compressed."""
    found = []
    for file in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        found.append(file.read_bytes().decode("latin-1"))
        if file.suffix == ".parquet":
            found.append(str(pq.read_table(file, partitioning=None).to_pylist()))
    return "\n".join(found)


@pytest.mark.long
@pytest.mark.usefixtures("artefacts")
def test_hashed_users_are_nowhere_in_clear(
    tmp_path: Path, new_warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name, email or phone in Gold, in its history, in dbt's artefacts or in its log; nor the salt."""
    warehouse = new_warehouse(tmp_path / "silver", "history")
    silver.sample(warehouse.silver, days=2, events=200)
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    outcome = warehouse.build(variables={"pii": "hashed", "pii_salt": "NO_SALT"})
    assert not outcome.success and "NO_SALT is not in the environment of Spark" in outcome.message

    outcome = warehouse.dbt(*ALL, variables={"pii": "hashed"})
    assert outcome.success, outcome.message
    users, salt = pq.read_table(warehouse.silver / "users").to_pylist(), os.environ["GOLD_PII_SALT"]
    clear = {str(user[column]) for user in users for column in ("name", "email", "phone") if user[column]}
    text = everything(warehouse.gold, warehouse.folder)
    assert [value for value in clear if value in text] == [] and salt not in text
    hashes = {hashlib.sha256((salt + user["email"].strip()).encode()).hexdigest() for user in users if user["email"]}
    emails = set(pq.read_table(warehouse.gold / "dim" / "dim_users").column("email").to_pylist()) - {None}
    assert emails and emails <= hashes


@pytest.mark.long
def test_a_user_is_erased(lake: Lake, new_warehouse: Any) -> None:
    check_erase(new_warehouse(lake.root, "history"), lake)


def check_erase(warehouse: Warehouse, lake: Lake) -> None:
    """Refused while Silver or Gold holds them; then no byte has them, and no build brings them back."""
    deliver(lake, {"a": "Rome", "secret-user": "Secret-City"})
    take(warehouse, *ALL)
    erase = ("run-operation", "erase", "--args", "{user_ids: [secret-user]}")
    outcome = warehouse.dbt(*erase)
    assert not outcome.success and "Silver still holds them" in outcome.message

    deliver(lake, {"a": "Rome"})
    outcome = warehouse.dbt(*erase)
    assert not outcome.success and "Gold still holds them" in outcome.message

    take(warehouse)
    assert "Secret-City" in everything(warehouse.gold / "history")
    outcome = warehouse.dbt(*erase)
    assert outcome.success, outcome.message
    for _ in range(2):
        text = everything(warehouse.gold, warehouse.silver)
        assert "Secret-City" not in text and "secret-user" not in text
        assert versions(warehouse) == [("a", "Rome", 1, None)]
        take(warehouse, *ALL)
