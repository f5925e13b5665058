"""What a run on Glue needs in statements and calls, against a plain dbt-glue project of the same models.

Statements are what a run on Glue pays for: each waits to be sent, to be run and to be asked for, a second
or more, however little it does. Both projects run through the unmodified adapter against the endpoint
of goldkit/glue_endpoint.py, seeds and models; a test of the data is three statements more on either side.
Both have the permissions that deploy/ ships, the plain one with its own folder and database in them.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from goldkit import iam
from goldkit.changes import Lake, late_rows, new_day
from goldkit.environment import PROJECT, SetupError
from goldkit.glue_endpoint import SMALL, GlueEndpoint, admin_client, client_environ

# What the permissions name, and what the plain project has instead.
SILVER, GOLD = "my-silver-bucket/silver", "my-gold-bucket"
NAMES = {f"{kind}/gold": f"{kind}/plain" for kind in (GOLD, "database", "table")}


def plain_project(folder: Path) -> Path:
    """The same models as a plain dbt-glue project has them: its own materializations, and no hooks.

    Its contracts and comments are the same, but for apostrophes, at which dbt-glue fails. The package is there for
    the few macros that models call; nothing of it runs.
    """
    for name in ("models", "macros", "seeds", "dbt_packages"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("integration_tests"))
    for name in ("packages.yml", "profiles.yml.example"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "macros" / "exact" / "materializations.sql").unlink()
    (folder / "macros" / "exact" / "generate_alias_name.sql").unlink()
    project = (PROJECT / "dbt_project.yml").read_text()
    project = re.sub(r"^on-run-.*\n", "", project, flags=re.MULTILINE)
    project = project.replace("validate_macro_args: true", "")
    incremental = "      +materialized: incremental\n"
    project = project.replace(incremental, incremental + "      +incremental_strategy: insert_overwrite\n")
    (folder / "dbt_project.yml").write_text(project)
    for path in (*(folder / "models").rglob("*.yml"), *(folder / "models").rglob("*.md")):
        path.write_text(re.sub("(?<=[a-z])'(?=[a-z])", "’", path.read_text()))
    return folder


def count(glue: GlueEndpoint, project: Path, work: Path, schema: str) -> dict[str, int]:
    """Run seeds and models; returns the number of statements and of calls of Glue's API."""
    profiles = work / schema
    profiles.mkdir(exist_ok=True)
    shutil.copy(PROJECT / "profiles.yml.example", profiles / "profiles.yml")
    environ = {
        **client_environ(glue.url),
        "SILVER_BASE": f"s3://{SILVER}",
        "GOLD_BASE": f"s3://{GOLD}/{schema}",
        "GOLD_SCHEMA": schema,
        "DBT_PROFILES_DIR": str(profiles),
        "DBT_PROJECT_DIR": str(project),
        "DBT_TARGET_PATH": str(profiles / "target"),
        "DBT_LOG_PATH": str(profiles / "logs"),
    }
    glue.reset()
    command = [sys.executable, "-m", "dbt.cli.main", "build", "--resource-type", "seed", "--resource-type", "model"]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True)
    if done.returncode:
        raise SetupError(f"{schema}: {done.stdout[-2000:]}")
    calls: dict[str, Any] = glue.calls()
    return {
        "statements": len(calls["statements"]),
        "API calls": sum(calls["operations"].values()),
    }


def run() -> None:
    """Print the table: a first build, a new day with late rows, nothing new."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        lake = Lake(work / "s3" / SILVER, random.Random(8))
        projects = {"gold": PROJECT, "plain": plain_project(work / "project")}
        found: dict[str, dict[str, dict[str, int]]] = {name: {} for name in projects}
        policies = {"gold": iam.read(PROJECT / "deploy"), "plain": iam.read(PROJECT / "deploy", NAMES)}
        with GlueEndpoint(work / "endpoint", work / "s3", conf=SMALL, policies=policies["gold"]) as glue:
            # As the template does: dbt-glue makes it as the caller, who may not.
            admin_client(glue.url).create_database(DatabaseInput={"Name": "plain", "LocationUri": f"s3://{GOLD}/plain"})
            for what in ("first build", "new day and late rows", "nothing new"):
                if what.startswith("new"):
                    new_day(lake)
                    late_rows(lake)
                for name, project in projects.items():
                    glue.permit(policies[name])
                    found[name][what] = count(glue, project, work, name)
    table = Table("", "statements", "plain dbt-glue", "API calls", "plain dbt-glue")
    for column in table.columns[1:]:
        column.justify = "right"
    for what, ours in found["gold"].items():
        plain = found["plain"][what]
        cells = [f"{counts[kind]}" for kind in ("statements", "API calls") for counts in (ours, plain)]
        table.add_row(what, *cells)
    Console().print(table)
