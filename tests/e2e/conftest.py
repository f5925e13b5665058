"""One Spark session for all tests, in a temporary metastore; a warehouse for each that asks."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from pyspark import SparkContext
from pyspark.sql import SparkSession

from goldkit import check, results
from goldkit.changes import Lake
from goldkit.dbt import Outcome, Warehouse
from goldkit.doctor import find_chromium
from goldkit.environment import PROJECT
from goldkit.glue_endpoint import SMALL

from . import review
from .postgres import Postgres, server

NewWarehouse = Callable[..., Warehouse]
SCREENSHOTS = PROJECT / "target" / "screenshots"
CHROMIUM = find_chromium()
# Gold tables by the length of their partitions.
DAILY = ("fact_events", "fact_transactions", "fact_user_activity")
MONTHLY = ("daily_active_users", "daily_revenue")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """In a workflow, what was tested stands on the page of its run."""
    results.tell_reviewer(review.text(terminalreporter.stats))


@pytest.fixture(scope="session", autouse=True)
def spark_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A small Spark: a few hundred rows do not repay the generation of code, which takes as long again."""
    before = dict(os.environ)
    os.environ.update(
        METASTORE=str(tmp_path_factory.mktemp("metastore")),
        SPARK_MASTER="local[2]",
        SPARK_SHUFFLE_PARTITIONS="2",
        SPARK_DRIVER_MEMORY="2g",
        GOLD_PII_SALT="a salt of the tests",  # Spark has the environment that it is started with
        SPARK_JAVA_OPTIONS=SMALL["spark.driver.extraJavaOptions"],
        # The last two are the profile's. The toy's profile lacks them, and whoever comes first starts Spark: in one
        # without them a snapshot waits for a lock until it fails.
        PYSPARK_SUBMIT_ARGS="--conf spark.sql.codegen.wholeStage=false"
        " --conf spark.sql.codegen.factoryMode=NO_CODEGEN"
        " --conf spark.hadoop.iceberg.engine.hive.lock-enabled=false"
        " --conf spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        " pyspark-shell",
        # Artefacts that few tests read, and a log of every macro: a sixth of a small run.
        DBT_WRITE_JSON="false",
        DBT_LOG_LEVEL_FILE="info",
    )
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def new_warehouse(tmp_path_factory: pytest.TempPathFactory) -> NewWarehouse:
    """Makes an empty warehouse over a Silver; the last one of the same name is no longer to be used.

    Names are few, because dbt parses the project again for each.
    """
    artefacts = tmp_path_factory.mktemp("artefacts")

    def make(silver: Path, name: str = "test") -> Warehouse:
        # Spark hides values that contain `token`, and a comma ends one where it lists them.
        gold = tmp_path_factory.mktemp("token, gold")
        if SparkContext._active_spark_context:
            for database in (f"gold_{name}", f"silver_{name}"):
                session().sql(f"drop database if exists {database} cascade")
        return Warehouse(name, artefacts / name, silver, gold)

    return make


@pytest.fixture
def warehouse(tmp_path: Path, new_warehouse: NewWarehouse) -> Warehouse:
    """An empty warehouse, and no Silver yet."""
    return new_warehouse(tmp_path / "silver")


@pytest.fixture(scope="module")
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A Silver that the tests of a file change one after the other, in any order. The file's SEED fills it."""
    return Lake(tmp_path_factory.mktemp("silver"), random.Random(request.module.SEED))


@pytest.fixture(scope="module")
def gold(lake: Lake, new_warehouse: NewWarehouse) -> Warehouse:
    """Gold as a first run left it. Exact after each test."""
    warehouse = new_warehouse(lake.root)
    assert_exact(warehouse, warehouse.build())
    return warehouse


@pytest.fixture
def artefacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt writes manifest.json and run_results.json."""
    monkeypatch.setenv("DBT_WRITE_JSON", "true")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests, which stands for Redshift."""
    with server() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("There is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Nobody but root is there in a container, and Chromium's sandbox wants somebody else.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def copy_of_the_project(folder: Path) -> Path:
    """What dbt needs of the project, to be changed. Its warehouses set `project` to it."""
    for name in ("models", "macros", "seeds", "dbt_packages"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("integration_tests"))
    for name in ("dbt_project.yml", "packages.yml", "profiles.yml.example"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


def session() -> SparkSession:
    """The Spark session that dbt started with its first run."""
    return SparkSession.builder.getOrCreate()


def claim_of_a_killed_run(warehouse: Warehouse) -> None:
    """The claim of a process of this machine that is gone."""
    _claim(warehouse, "killed", "java_method('java.net.InetAddress', 'getLocalHost')")


def claim_of_another_machine(warehouse: Warehouse) -> None:
    """A claim that a run has to respect."""
    _claim(warehouse, "another", "'another machine'")


def _claim(warehouse: Warehouse, owner: str, machine: str) -> None:
    session().sql(
        f"insert overwrite directory '{warehouse.gold}/audit/claims/owner={owner}' using parquet"
        f" select current_timestamp() as claimed_at, {machine} as machine, 0L as process"
    )


@contextmanager
def unreadable(files: list[Path]) -> Iterator[None]:
    """Parquet files lose what is in them for a while, and stay as old and as large as they were."""
    contents = {file: (file.read_bytes(), file.stat()) for file in files}

    def write(content: Callable[[bytes], bytes]) -> None:
        for file, (before, stat) in contents.items():
            file.write_bytes(content(before))
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    write(lambda before: b"PAR1" + bytes(len(before) - 4))
    try:
        yield
    finally:
        write(lambda before: before)


def assert_exact(warehouse: Warehouse, outcome: Outcome, **options: Any) -> None:
    """A run went well, all ten tables and the rejected rows equal the oracle's, nothing lies about."""
    assert outcome.success, outcome.message
    wrong = check.inexact(warehouse.silver, warehouse.gold, outcome.started_at, **options)
    assert not wrong, "\n".join(wrong)
    assert check.leftovers(warehouse.gold) == []
