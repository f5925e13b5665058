"""Runs dbt inside this process: one Spark session, and so one start of it, for any number of runs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldkit.environment import PROJECT


@dataclass
class Outcome:
    """What a dbt command came to: whether it went well, what it said, its results by node name."""

    success: bool
    message: str
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        """Execution time of each model."""
        return {
            name: result.execution_time
            for name, result in self.results.items()
            if str(result.node.resource_type) == "model"
        }


@dataclass
class Warehouse:
    """A Silver folder, the Gold folder built from it, and the databases of both.

    Warehouses share the metastore of the process, so each has databases of its own: `gold_<name>` and
    `silver_<name>`. `folder` takes dbt's artefacts and, unless told otherwise, Silver and Gold.
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
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_PROFILES_DIR": str(self._profile()),
        }

    def _profile(self) -> Path:
        """A folder with the project's own profile; profiles.yml is the user's, and may say anything."""
        folder = self.folder / "profile"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / "profiles.yml.example", folder / "profiles.yml")
        return folder

    def dbt(self, *args: str, variables: Mapping[str, object] | None = None) -> Outcome:
        """`dbt <args>` on this warehouse."""
        from dbt.cli.main import dbtRunner

        os.environ.update(self.environ)
        said: list[str] = []

        def listen(event: Any) -> None:
            if event.info.level in ("error", "warn"):
                said.append(event.info.msg)

        command = ["--quiet", *args, "--project-dir", str(self.project)]
        if variables:
            command += ["--vars", json.dumps(variables)]
        invoked = dbtRunner(callbacks=[listen]).invoke(command)
        results = {result.node.name: result for result in getattr(invoked.result, "results", [])}
        message = "\n".join([*said, str(invoked.exception or "")])
        return Outcome(invoked.success, message, results)

    def build(self, *args: str, variables: Mapping[str, object] | None = None) -> Outcome:
        """Seeds and models, without tests."""
        types = ("--resource-type", "seed", "--resource-type", "model")
        return self.dbt("build", *types, *args, variables=variables)
