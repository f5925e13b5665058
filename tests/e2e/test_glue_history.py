"""The history of users on AWS Glue: what test_history asks, through dbt-glue and Iceberg's own GlueCatalog.

Guards against a history that only Spark can keep, a name that ref() does not find, a permission that is missing,
and a profile of an earlier version, which knows no Iceberg.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from goldkit.changes import Lake
from goldkit.environment import PROJECT, iceberg_for_glue

from .conftest import copy_of_the_project
from .test_glue import GOLD, NOT_NEEDED, SILVER, GlueWarehouse, endpoint
from .test_history import check_erase, check_every_version, check_lost_catalog, deliver, take

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("glue")


@pytest.fixture(scope="module")
def lake(root: Path) -> Lake:
    lake = Lake(root / SILVER, random.Random(15))
    deliver(lake, {"a": "Rome"})
    return lake


@pytest.fixture(scope="module")
def warehouse(root: Path, lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GlueWarehouse]:
    if not (iceberg := iceberg_for_glue()):
        pytest.skip("iceberg-aws-bundle cannot be fetched from Maven Central")
    folder = tmp_path_factory.mktemp("artefacts")
    with endpoint(root, iceberg=iceberg) as url:
        warehouse = GlueWarehouse("glue", folder, lake.root, root / GOLD, url=url)
        yield warehouse
        denied = warehouse.denied()
    assert denied == NOT_NEEDED


def test_profile_of_an_earlier_version(warehouse: GlueWarehouse, tmp_path: Path) -> None:
    """All else is built, and tests of the history pass."""
    project = copy_of_the_project(tmp_path)
    shutil.copytree(PROJECT / "snapshots", project / "snapshots")
    profile = project / "profiles.yml.example"
    lines = profile.read_text().splitlines()
    glue = lines.index("    glue:")
    kept = [line for line in lines[glue:] if "history" not in line and "iceberg" not in line]
    profile.write_text("\n".join(lines[:glue] + kept))
    command = ("build", "--select", "+users_history", "--indirect-selection", "cautious")
    said = take(replace(warehouse, project=project), *command, "--exclude-resource-type", "unit_test")
    assert said == "not taken: profiles.yml lacks the catalog history, which profiles.yml.example has"
    assert (warehouse.gold / "dim" / "dim_users").exists() and not (warehouse.gold / "history").exists()
    for name in warehouse.sessions():  # which would go on without Iceberg
        warehouse.client.delete_session(Id=name)


def test_every_version_of_a_user(warehouse: GlueWarehouse, lake: Lake, root: Path) -> None:
    check_every_version(warehouse, lake)
    # dbt-glue's own snapshot leaves the files of its table of changes, with all that they say of users.
    assert not [*root.rglob("*__dbt_tmp")]
    table = warehouse.client.get_table(DatabaseName="gold", Name="users_history")["Table"]
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert table["StorageDescriptor"]["Location"] == "s3://my-gold-bucket/gold/history/users_history"
    outcome = warehouse.dbt("test", "--select", "users_history")
    asked = [name for name in outcome.results if "users_history" in name]
    assert outcome.success and len(asked) == 4, outcome.message
    outcome = warehouse.dbt("show", "--select", "users_on_a_day", "--limit", "-1")
    assert len(outcome.results["users_on_a_day"].agate_table.rows) == 4, outcome.message


def test_a_user_is_erased(warehouse: GlueWarehouse, lake: Lake) -> None:
    _begin_anew(warehouse)
    check_erase(warehouse, lake)


def test_a_catalog_that_is_lost(warehouse: GlueWarehouse, lake: Lake) -> None:
    _begin_anew(warehouse)
    check_lost_catalog(
        warehouse, lake, lambda: warehouse.client.delete_table(DatabaseName="gold", Name="users_history")
    )


def _begin_anew(warehouse: GlueWarehouse) -> None:
    outcome = warehouse.dbt("run-operation", "drop_history")
    assert outcome.success and not [*(warehouse.gold / "history").rglob("*.*")], outcome.message
