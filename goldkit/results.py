"""What became of the last dbt run, by its run_results.json: what failed, what warned, and what to look at."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldkit.environment import PROJECT

LENGTH = 300  # of a message, in characters
FAILED = ("error", "fail", "runtime error", "partial success")


def results_file() -> Path:
    """Where dbt writes what became of each step."""
    return Path(os.environ.get("DBT_TARGET_PATH") or PROJECT / "target") / "run_results.json"


def log_file() -> Path:
    """Where dbt writes all that it does, failures in full."""
    return Path(os.environ.get("DBT_LOG_PATH") or PROJECT / "logs") / "dbt.log"


def read(file: Path) -> dict[str, Any]:
    """The run's results; {} where there are none, or none that can be read."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def one_line(message: str | None) -> str:
    """What a message says, without dbt's headline and Spark's stack trace: one line of at most LENGTH characters."""
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    if len(lines) > 1 and re.match(r"(\w+ )*Error in ", lines[0]):
        lines = lines[1:]
    text = lines[0] if lines else ""
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def built(results: dict[str, Any]) -> str:
    """What became of each table, and what failed or warned, in Markdown."""
    lines = ["| table | |", "|---|---|"]
    for step in results.get("results", []):
        kind, _, name = step["unique_id"].split(".")[:3]
        if kind in ("model", "seed", "snapshot"):
            lines.append(f"| {name} | {one_line(step['message'] or step['status'])} |")
    found = [f"- {problem.status}: `{problem.name}` {problem.message}" for problem in problems(results)]
    return "\n".join([*lines, "", *found]) + "\n\n"


def tell_reviewer(text: str) -> None:
    """Put Markdown on the page of a workflow's run; nowhere else does this do anything."""
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(text)


@dataclass
class Problem:
    """A step that failed or warned."""

    name: str
    kind: str  # model, test, seed, snapshot, operation
    status: str  # as dbt calls it; warn
    message: str

    @property
    def failed(self) -> bool:
        """Whether it is more than a warning."""
        return self.status in FAILED

    @property
    def advice(self) -> str:
        """What to run to see more."""
        if self.kind == "test" and self.status in ("warn", "fail"):
            return f"its rows: dbt show --select {self.name}"
        return f"the whole message: {log_file()}" if self.failed else ""


def problems(results: dict[str, Any]) -> list[Problem]:
    """What failed, and then what warned, in the order of the run."""
    found = []
    for step in results.get("results", []):
        if step["status"] == "warn" or step["status"] in FAILED:
            kind, _, name = step["unique_id"].split(".")[:3]
            found.append(Problem(name, kind, step["status"], one_line(step["message"])))
    return sorted(found, key=lambda problem: not problem.failed)
