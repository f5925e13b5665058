"""Lints of the project's own find what they look for, and none of all lints is left out before a commit.

Guards against a lint that passes because it looks at nothing.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from goldkit import cli, links
from goldkit.environment import PROJECT


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
