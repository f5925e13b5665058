"""One Spark session for all tests, in a temporary metastore; a warehouse of its own for each that asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from goldkit import compare, oracle
from goldkit.dbt import Warehouse

TECHNICAL = ("source_version", "user_bucket", "invocation_id", "rejected_date")


@pytest.fixture(scope="session", autouse=True)
def spark_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A small Spark: a few hundred rows do not repay generating and compiling code, which takes twice as long."""
    before = dict(os.environ)
    os.environ.update(
        METASTORE=str(tmp_path_factory.mktemp("metastore")),
        SPARK_SHUFFLE_PARTITIONS="2",
        SPARK_DRIVER_MEMORY="2g",
        # The first compiler alone reserves 48 MB for code, which Spark fills, and then stops.
        SPARK_JAVA_OPTIONS="-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -Dderby.system.durability=test",
        PYSPARK_SUBMIT_ARGS="--conf spark.sql.codegen.wholeStage=false"
        " --conf spark.sql.codegen.factoryMode=NO_CODEGEN pyspark-shell",
    )
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def warehouse(tmp_path: Path, request: pytest.FixtureRequest) -> Warehouse:
    """An empty warehouse of the test's own."""
    name = "".join(c if c.isalnum() else "_" for c in request.node.name)[:60].lower()
    return Warehouse.at(tmp_path, name)


Check = Callable[[Warehouse], None]


@pytest.fixture
def assert_gold() -> Check:
    """Fails unless all ten tables and the rejected rows equal the oracle's, row for row."""

    def check(warehouse: Warehouse) -> None:
        expected = oracle.gold(warehouse.silver, now=datetime.now(timezone.utc))
        wrong = []
        for name, table in expected.items():
            actual = compare.read_table(warehouse.gold / compare.PATHS[name], drop=TECHNICAL)
            wrong += compare.differences(name, table, actual)
        assert not wrong, "\n".join(wrong)

    return check


def files(folder: Path) -> dict[str, int]:
    """Each data file below a folder and its modification time in nanoseconds."""
    return {
        str(file.relative_to(folder)): file.stat().st_mtime_ns for file in sorted(folder.rglob("*.parquet"))
    }
