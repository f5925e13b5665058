"""Lints of the project's own find what they look for, and none of all lints is left out before a commit.

Guards against a lint that passes because it looks at nothing.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from goldkit import cli, links, results
from goldkit.environment import PROJECT

from . import review


@pytest.mark.quick
def test_links_that_lead_nowhere_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first.md", tmp_path / "second.md"
    first.write_text(
        "# What `it` says\n[a](second.md#two-1) [b](#what-it-says) [c](https://example.org) `[d](none.md)`\n"
        "[e](none.md) [f](second.md#three) [g](../outside.md)\n```\n[h](none.md)\n```\n"
    )
    second.write_text("# Two\n## Two\n```\n# Three\n```\n")
    monkeypatch.setattr(links, "PROJECT", tmp_path)
    monkeypatch.setattr(links, "pages", lambda: [first, second])
    assert links.broken() == [
        "first.md: none.md: no such file",
        "first.md: second.md#three: no such heading",
        "first.md: ../outside.md: no such file",
    ]


@pytest.mark.quick
def test_every_page_is_looked_at() -> None:
    names = {str(page.relative_to(PROJECT)) for page in links.pages()}
    assert {"README.md", "docs/tutorial.md", "docs/how-to/glue.md", "packages/exact/README.md"} <= names


@pytest.mark.quick
def test_each_lint_runs_before_a_commit() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    commands = [shlex.split(hook["entry"]) for hook in hooks]
    assert all(command[:4] == [".venv/bin/python", "-m", "goldkit", "lint"] for command in commands)
    assert {name for command in commands for name in command[4:]} == {*cli.CHECKS, *cli.LINTERS}


@pytest.mark.quick
def test_a_reviewer_reads_what_was_tested() -> None:
    def report(name: str, seconds: float, error: str = "") -> SimpleNamespace:
        return SimpleNamespace(nodeid=f"tests/e2e/{name}", duration=seconds, longrepr=error)

    text = review.text(
        {
            "": [report("test_kill.py::test_a", 60)],
            "passed": [report("test_kill.py::test_a", 29), report("test_kill.py::test_b", 1)],
            "failed": [report("test_s3.py::test_c", 6, "    assert a == b\nE   one\nE   two\n")],
            "error": [report("test_s3.py::test_d", 0, "file, line 3\nfixture 'x' not found")],
            "warnings": [report("test_kill.py::test_a", 0)],
        }
    )
    lines = text.splitlines()
    assert lines[0].startswith("**Spark ") and lines[0].endswith(": 2 passed, 1 failed, 1 error**")
    assert lines[4].startswith("| A run that was killed at any moment") and lines[4].endswith("| 2 |  |  |  | 1.5 |")
    assert lines[5].endswith("docs/storage.md. |  | 1 | 1 |  | 0.1 |")
    assert lines[7:] == [
        "- `tests/e2e/test_s3.py::test_c`: one",
        "- `tests/e2e/test_s3.py::test_d`: fixture 'x' not found",
        "",
    ]


@pytest.mark.quick
def test_a_reviewer_reads_what_was_built() -> None:
    def step(unique_id: str, status: str, message: str) -> dict[str, str]:
        return {"unique_id": unique_id, "status": status, "message": message}

    steps = [
        step("model.p.dim_users", "success", "UNCHANGED"),
        step("model.p.fact_events", "error", "Database Error in model fact_events\n  No such column\n  at line 7"),
        step("test.p.unique_dim_users", "warn", "Got 2 results"),
    ]
    assert results.built({"results": steps}).splitlines()[2:] == [
        "| dim_users | UNCHANGED |",
        "| fact_events | No such column |",
        "",
        "- error: `fact_events` No such column",
        "- warn: `unique_dim_users` Got 2 results",
        "",
    ]


@pytest.mark.quick
def test_the_page_of_a_run_has_it(tmp_path: Path) -> None:
    """By pytest itself, of one test of this file."""
    page, test = tmp_path / "page.md", f"{Path(__file__)}::test_every_page_is_looked_at"
    command = [sys.executable, "-m", "pytest", test, "--numprocesses", "1", "--basetemp", str(tmp_path / "of_it")]
    subprocess.run(command, cwd=PROJECT, env={**os.environ, "GITHUB_STEP_SUMMARY": str(page)}, check=True)
    assert ": 1 passed**" in page.read_text() and "| Lints of the project's own find" in page.read_text()
