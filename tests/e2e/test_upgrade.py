"""The project works with the dbt that comes next, before it has to.

Guards against a deprecation that has become an error, a macro of dbt's that was renamed, and a flag that changed what
a run does. The next dbt has an environment of its own, and the PySpark of this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from goldkit import check, silver
from goldkit.dbt import Outcome, Warehouse
from goldkit.environment import PROJECT


def install(version: str, folder: Path) -> Path:
    """The command dbt of a version, with dbt-spark, in a folder of its own. Skips where pip cannot have it."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    done = subprocess.run(
        [folder / "bin" / "pip", "install", "--quiet", f"dbt-core~={version}.0", "dbt-spark", "sqlparams"],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"dbt {version} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    inside = next((folder / "lib").glob("python*/site-packages"))
    (inside / "project.pth").write_text(sysconfig.get_path("purelib"))  # after its own packages: PySpark, jars
    return folder / "bin" / "dbt"


@pytest.mark.long
@pytest.mark.parametrize("version", ["1.11", "1.12"])
def test_next_dbt_parses_without_a_warning_and_builds_gold(version: str, tmp_path: Path) -> None:
    dbt = install(version, tmp_path / "venv")
    warehouse = Warehouse.at(tmp_path / "warehouse", "upgrade")
    silver.sample(warehouse.silver, days=3, events=300)
    own = {"METASTORE": str(tmp_path / "metastore"), "DBT_WRITE_JSON": "true"}
    environ = {**os.environ, **warehouse.prepare(), **own}
    started_at = Outcome.now()
    for command in (
        ("--warn-error", "parse", "--show-all-deprecations", "--no-partial-parse"),
        ("build",),
    ):
        done = subprocess.run([dbt, *command], cwd=PROJECT, env=environ, capture_output=True, text=True)
        assert not done.returncode, done.stdout + done.stderr
    wrong = check.inexact(warehouse.silver, warehouse.gold, started_at)
    assert not wrong, "\n".join(wrong)
    results = json.loads((warehouse.target() / "run_results.json").read_text())
    assert results["metadata"]["dbt_version"].startswith(version)
