"""docs/tutorial.md tells the truth: its commands run in a fresh clone, and print what the page shows.

Guards against a page that nobody has followed since the project changed. The page's own blocks are the test: `bash`
is run, in one shell from top to bottom; `text` is what the commands before it must have printed, line by line and in
order, where … stands for anything; a block of another language is added to the file that the line above it names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goldkit.environment import PROJECT

PAGE = PROJECT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^([^\n]*)\n\n?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BOXES = re.compile(r"[\u2500-\u257f]")  # the lines of a table


def script(page: str) -> tuple[str, dict[int, list[str]]]:
    """The page as one bash script, which prints `@@ <number>` before each block; the lines that each must print."""
    lines, number = ["set -eo pipefail", "exec 2>&1", 'make() { command make -o setup "$@"; }'], 0
    shown: dict[int, list[str]] = {}
    for above, language, text in BLOCK.findall(page):
        if language == "bash":
            number += 1
            lines += [f"echo '@@ {number}'", text]
            shown[number] = []
        elif language == "text":
            shown[number] += text.splitlines()
        else:
            (file,) = re.findall(r"`([\w/]+\.(?:sql|yml|md))`", above)
            lines += [f"cat >> {file} <<'END OF THE BLOCK'", text + "END OF THE BLOCK"]
    return "\n".join(lines), shown


def missing(shown: list[str], printed: str) -> str:
    """The first line of those shown that was not printed after the one before it; empty if all were."""
    found = [" ".join(BOXES.sub(" ", COLOURS.sub("", line)).split()) for line in printed.splitlines()]
    place = 0
    for line in filter(str.strip, shown):
        wanted = re.escape(" ".join(line.split())).replace("…", ".*")
        matches = (n for n, text in enumerate(found[place:], place) if re.search(rf"(?<!\w){wanted}(?!\w)", text))
        if (at := next(matches, None)) is None:
            return line
        place = at + 1
    return ""


def fresh_clone(folder: Path) -> Path:
    """A clone as `make setup` leaves it, with what is not committed yet. Its environment is the one at hand."""
    subprocess.run(["git", "clone", "--quiet", PROJECT, folder], check=True)
    changed = subprocess.run(
        ["git", "ls-files", "--modified", "--others", "--exclude-standard"],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in changed.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).exists():
            shutil.copy(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    (folder / ".local").mkdir()
    shutil.copytree(PROJECT / "dbt_packages", folder / "dbt_packages", symlinks=True)
    shutil.copy(folder / "profiles.yml.example", folder / "profiles.yml")
    return folder


@pytest.mark.long
def test_the_page_shows_what_its_commands_print(tmp_path: Path) -> None:
    commands, shown = script(PAGE.read_text(encoding="utf-8"))
    assert len(shown) > 5 and sum(map(len, shown.values())) > 20
    ours = ("DBT_", "GOLD_", "SILVER_", "METASTORE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env |= {"COLUMNS": "160", "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", commands], cwd=fresh_clone(tmp_path / "clone"), env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    printed = re.split(r"^@@ \d+\n", done.stdout, flags=re.MULTILINE)
    assert not done.returncode, printed[-1]
    for number, lines in shown.items():
        line = missing(lines, printed[number])
        assert not line, f"not printed: {line}\n\nprinted:\n{printed[number]}"


@pytest.mark.quick
def test_a_page_that_is_wrong_is_noticed() -> None:
    page = "```bash\necho 12 rows\n```\n\nIt says\n\n```text\n… rows\n```\n"
    commands, shown = script("It runs\n\n" + page)
    assert commands.endswith("echo '@@ 1'\necho 12 rows\n") and shown == {1: ["… rows"]}
    printed = "│ fact │ \x1b[32m12 rows\x1b[0m │\n[\x1b[32msecond\x1b[0m]\n"
    assert not missing(["fact   12 rows", "[second]"], printed)
    assert missing(["fact 2 rows"], printed) == "fact 2 rows"
    assert missing(["second", "fact 12 rows"], printed) == "fact 12 rows"
