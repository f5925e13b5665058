"""Runs dbt inside this process: one Spark session, and so one start of it, for any number of runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

from goldkit.environment import PROJECT

BUILD = ("build", "--resource-type", "seed", "--resource-type", "model")
"""The dbt command that makes Gold and asks no test."""


@dataclass
class Outcome:
    """What a dbt command came to: whether it went well, what it said, its results by node name."""

    success: bool
    message: str
    started_at: datetime
    results: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def now() -> datetime:
        """The clock that started_at is of."""
        return datetime.now(timezone.utc)

    @property
    def seconds(self) -> dict[str, float]:
        """Execution time of each model."""
        return {
            name: result.execution_time
            for name, result in self.results.items()
            if str(result.node.resource_type) == "model"
        }

    @property
    def elapsed(self) -> float:
        """Seconds in which at least one model ran: with several threads models also wait for each other."""
        spans = sorted(
            (timing.started_at, timing.completed_at)
            for result in self.results.values()
            if str(result.node.resource_type) == "model"
            for timing in result.timing
            if timing.name == "execute"
        )
        busy, until = 0.0, datetime.min
        for start, end in spans:
            busy += max(0.0, (end - max(start, until)).total_seconds())
            until = max(until, end)
        return busy

    def said(self, node: str) -> str:
        """What dbt says of a node: `2 of 31 partitions rebuilt, 667412 rows`."""
        return str(self.results[node].message)


@dataclass
class Warehouse:
    """A Silver folder, the Gold folder built from it, and the databases of both.

    Warehouses share the metastore of the process, so each has databases of its own: `gold_<name>` and
    `silver_<name>`. `folder` takes dbt's artefacts and, unless told otherwise, Silver and Gold. The
    parsed project is kept there too, so warehouses of one name do well to share a folder: a whole
    parse takes ten seconds, and of a changed copy of the project only what changed is parsed again.
    """

    name: str
    folder: Path
    silver: Path
    gold: Path
    project: Path = PROJECT

    @classmethod
    def at(cls, folder: Path, name: str, silver: Path | None = None) -> Warehouse:
        """A warehouse in a folder of its own."""
        return cls(name, folder, silver or folder / "silver", folder / "gold")

    @property
    def environ(self) -> dict[str, str]:
        """The environment that makes a dbt command act on this warehouse."""
        return {
            "SILVER_BASE": str(self.silver),
            "GOLD_BASE": str(self.gold),
            "SILVER_SCHEMA": f"silver_{self.name}",
            "GOLD_SCHEMA": f"gold_{self.name}",
            "DBT_TARGET_PATH": str(self.target()),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_PROJECT_DIR": str(self.project),
            "DBT_QUIET": "true",
            "DBT_USE_COLORS": "false",
        }

    def target(self, variables: Mapping[str, object] | None = None) -> Path:
        """dbt's artefacts: a folder for each set of variables, since another one means parsing again."""
        key = json.dumps([self.name, variables or {}])
        return self.folder / "target" / hashlib.md5(key.encode()).hexdigest()[:8]

    def dbt(self, *args: str, variables: Mapping[str, object] | None = None) -> Outcome:
        """`dbt <args>` on this warehouse."""
        from dbt.cli.main import dbtRunner

        said: list[str] = []

        def listen(event: Any) -> None:
            if event.info.level in ("error", "warn"):
                said.append(event.info.msg)

        started_at, folder = Outcome.now(), Path.cwd()
        with patch.dict(os.environ, self.prepare(variables)):
            try:
                invoked = dbtRunner(callbacks=[listen]).invoke(_command(args, variables))
            finally:
                os.chdir(folder)
        nodes = getattr(invoked.result, "results", None) or []
        results = {result.node.name: result for result in nodes if hasattr(result, "node")}
        message = "\n".join([*said, str(invoked.exception or "")])
        return Outcome(invoked.success, message, started_at, results)

    def build(self, *args: str, variables: Mapping[str, object] | None = None) -> Outcome:
        """Seeds and models, without tests."""
        return self.dbt(*BUILD, *args, variables=variables)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """`dbt <args>` in a process group of its own, Spark included, with a metastore of its own."""
        own = {"METASTORE": str(self.folder / "metastore"), "DBT_QUIET": "false"}
        return subprocess.Popen(
            [sys.executable, "-m", "dbt.cli.main", *args],
            env={**os.environ, **self.prepare(None), **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def prepare(self, variables: Mapping[str, object] | None = None) -> dict[str, str]:
        """Put a profile into the folder; the environment of a dbt command on this warehouse."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.project / "profiles.yml.example", self.folder / "profiles.yml")
        return {**self.environ, "DBT_TARGET_PATH": str(self.target(variables))}


def _command(args: tuple[str, ...], variables: Mapping[str, object] | None) -> list[str]:
    return [*args, *(("--vars", json.dumps(variables)) if variables else ())]


def tables(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Models and seeds of dbt's manifest.json that have files, by name."""
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed") and node["config"]["materialized"] != "ephemeral"
    }


def folder_of(node: Mapping[str, Any]) -> str:
    """A table's folder below Gold, as macros/exact/settings.sql has it: `dim/dim_users`."""
    return f"{'seed' if node['resource_type'] == 'seed' else node['fqn'][1]}/{node['alias']}"
