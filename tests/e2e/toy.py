"""The toy lake of packages/exact/integration_tests, whose models are not ours, and what its tables must hold."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from goldkit.dbt import Warehouse
from goldkit.environment import PROJECT

PACKAGE = PROJECT / "packages" / "exact"
STEPS = 5

Rows = list[tuple[Any, ...]]


def copy_of_the_toy(folder: Path) -> Path:
    """The project of integration_tests with the package installed, to be changed."""
    ignore = shutil.ignore_patterns("target", "logs", "dbt_packages", "metastore*", "*.log")
    shutil.copytree(PACKAGE / "integration_tests", folder, ignore=ignore)
    shutil.copy(folder / "profiles.yml", folder / "profiles.yml.example")
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "exact").symlink_to(PACKAGE, target_is_directory=True)
    return folder


def contract(name: str, columns: Mapping[str, str]) -> str:
    """The yml of a model, below `models:`: its columns and their types."""
    lines = [f"  - name: {name}", "    description: A model of a test.", "    columns:"]
    for column, kind in columns.items():
        lines += [f"      - name: {column}", "        description: A column.", f"        data_type: {kind}"]
    return "\n".join(lines) + "\n"


class Toy(Warehouse):
    """A warehouse of the toy: `silver` is the lake, `gold` the folder of its tables."""

    @classmethod
    def new(cls, folder: Path, project: Path, name: str = "toy") -> Toy:
        base = folder / "base"
        return cls(name, folder / "artefacts", base / "lake", base / "tables", project)

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "EXACT_BASE": str(self.gold.parent), "EXACT_SCHEMA": self.name}

    def lake(self, step: int) -> None:
        """Brings the lake to a step of its life."""
        outcome = self.dbt("run-operation", "make_lake", "--args", f"{{step: {step}}}")
        assert outcome.success, outcome.message


def wanted(lake: Path) -> dict[str, Rows]:
    """The tables as DuckDB computes them."""
    db = duckdb.connect()
    db.execute(
        f"create view readings as select * from read_parquet('{lake}/readings/*/*.parquet', union_by_name = true)"
    )
    db.execute(f"create view places as select * from read_csv('{PACKAGE}/integration_tests/seeds/places.csv')")
    db.execute(
        "create view days as select sensor, count(*) as readings, max(celsius)::decimal(5, 1) as warmest,"
        " taken_at::date as day from readings group by sensor, day"
    )
    sensors = (
        "select sensor, place, min(day) as first_day, sum(readings)::bigint as readings"
        " from days left join places using (sensor) group by sensor, place"
    )
    return {"days": _rows(db, "select * from days"), "sensors": _rows(db, sensors)}


def found(tables: Path) -> dict[str, Rows]:
    """The tables as they are."""
    db = duckdb.connect()
    days = f"'{tables}/days/*/*.parquet', hive_partitioning = true, hive_types = {{'day': date}}"
    return {
        "days": _rows(db, f"select sensor, readings, warmest, day from read_parquet({days})"),
        "sensors": _rows(db, f"select * from '{tables}/sensors/*.parquet'"),
    }


def days_and_files(tables: Path) -> Mapping[str, int]:
    """The inode of each file of `days`, by path: the same entry is the same file."""
    return {str(file.relative_to(tables)): file.stat().st_ino for file in tables.glob("days/*/*.parquet")}


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return sorted(db.execute(query).fetchall(), key=repr)
