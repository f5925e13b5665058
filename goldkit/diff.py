"""What a change does to Gold: the base and the change are built from the same Silver, and compared.

The change is run on a copy of the base's Gold. A table that the engine then calls UNCHANGED has just the files that
the new code would make of this Silver: its manifest says so. Only the other tables are compared, row by row.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from goldkit.dbt import BUILD, Outcome, Warehouse, folder_of, tables
from goldkit.environment import PACKAGE, PROJECT, SetupError
from goldkit.results import tell_reviewer
from goldkit.rows import Rows, compare

FOLDER = PROJECT / ".local" / "diff"  # the base's Gold of the last time, and the report
BREAKING = "BREAKING"
HEAD = ("table", "built again", "why", "added", "removed", "changed", "columns that differ, in so many rows")

Manifest = dict[str, Any]  # dbt's manifest.json
Node = dict[str, Any]  # a model or seed in it


@dataclass
class Table:
    """A table that the engine built again."""

    name: str
    partitions: str  # `1 of 1`
    why: str  # the engine's reasons
    rows: Rows


@dataclass
class Report:
    """All that a reviewer wants to know of a change."""

    tables: list[Table] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    contract: list[str] = field(default_factory=list)  # those that break a reader open with BREAKING
    exposures: list[str] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)  # what the merge rebuilds in production

    @property
    def differing(self) -> list[str]:
        """The tables of which rows differ."""
        return [table.name for table in self.tables if table.rows.differ]

    @property
    def verdict(self) -> str:
        """The summary in one line."""
        breaking = sum(line.startswith(BREAKING) for line in self.contract)
        parts = [f"{BREAKING} for who reads the contract, in {_count(breaking, 'point')}."] if breaking else []
        if self.differing:
            parts.append(f"Rows differ in {_count(len(self.differing), 'table')}: {', '.join(self.differing)}.")
        elif self.tables:
            parts.append(f"No row differs; {_count(len(self.tables), 'table')} built again.")
        elif not self.contract:
            parts.append(f"Nothing changes: the engine calls all {len(self.unchanged)} tables UNCHANGED.")
        return " ".join(parts) or "No row differs."

    @property
    def text(self) -> str:
        """The summary in Markdown: the verdict, a table, then details."""
        lines = [f"**{self.verdict}**"]
        if self.tables:
            lines += ["", _row(HEAD), _row(["---"] * len(HEAD))]
        for table in self.tables:
            columns = ", ".join(f"{name} {count}" for name, count in table.rows.columns.items())
            counts = (f"{count:,}" for count in (table.rows.added, table.rows.removed, table.rows.changed))
            lines.append(_row([table.name, table.partitions, table.why, *counts, columns]))
        if self.tables and self.unchanged:
            lines += ["", f"UNCHANGED by the engine's manifest, and so the same: {', '.join(self.unchanged)}."]
        for title, part in (
            ("Contract", self.contract),
            ("Exposures hit", self.exposures),
            ("What the merge rebuilds", self.plan),
            *((f"Rows of {table.name}", table.rows.examples) for table in self.tables),
        ):
            lines += ["", f"**{title}**", "", *(f"- {line}" for line in part)] if part else []
        return "\n".join(lines) + "\n"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def run(base: str, silver: Path) -> Report:
    """What the working tree makes of a Silver, against what it was where it left `base`. One at a time in a clone."""
    commit = git("merge-base", base, "HEAD")
    files = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(silver.rglob("*.parquet"))]
    kept = FOLDER / hashlib.md5(f"{commit} {files}".encode()).hexdigest()[:12]
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        if old.is_dir() and old != kept:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        own = {"METASTORE": str(scratch / "metastore"), "DBT_WRITE_JSON": "true"}
        with patch.dict(os.environ, own), checked_out(commit, scratch / "base") as project:
            production = os.environ.get("GOLD_BASE")
            report = between(
                Warehouse("base", scratch / "of_base", silver, kept / "gold", project),
                Warehouse("change", scratch / "of_change", silver, scratch / "gold"),
                Warehouse("plan", scratch / "of_change", silver, Path(production)) if production else None,
            )
    publish(report.text)
    return report


def publish(text: str) -> None:
    """Write the summary to a file, and in a workflow into the summary of its run."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "report.md").write_text(text, encoding="utf-8")
    tell_reviewer(text)


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """The project as of a commit, ready for dbt, in a git worktree that is removed at the end."""
    git("worktree", "prune")
    git("worktree", "add", "--detach", str(folder), commit)
    try:
        (folder / ".local").mkdir()  # where Derby puts its log
        (folder / "dbt_packages").mkdir()
        (folder / "dbt_packages" / "exact").symlink_to(folder / "packages" / "exact")
        (folder / "dbt_packages" / "dbt_utils").symlink_to(PACKAGE)
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def git(*arguments: str) -> str:
    """What git answers; a SetupError with its complaint where it fails."""
    done = subprocess.run(("git", *arguments), cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        raise SetupError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def between(base: Warehouse, change: Warehouse, production: Warehouse | None = None) -> Report:
    """Build the base, unless its Gold is there, then the change on a copy of it, and compare the two."""
    before = _gold_of(base)
    _succeeded(change.dbt("parse"), "The change")
    after = _read(change.target() / "manifest.json")
    old, new = tables(before), tables(after)
    shutil.copytree(base.gold, change.gold, dirs_exist_ok=True)
    remade = [name for name in new if name in old and _contract(new[name]) != _contract(old[name])]
    for name in remade:  # as --full-refresh does, which the engine asks for where columns changed
        shutil.rmtree(change.gold / folder_of(old[name]), ignore_errors=True)
    done = _succeeded(change.build(), "The change")
    report = Report(contract=contract_changes(before, after))
    for name, node in sorted(new.items(), key=lambda item: folder_of(item[1])):
        said = _said(done, name)
        if not said["rebuilt"] and not said["dropped"]:
            report.unchanged.append(name)
            continue
        why, rows = ", ".join(said["reasons"]), Rows()
        if name in old:
            why = "contract changed" if name in remade else why
            places = base.gold / folder_of(old[name]), change.gold / folder_of(node)
            rows = compare(*places, _columns(old[name]), _columns(node), _key(after, node))
        report.tables.append(Table(name, f"{said['rebuilt']} of {said['checked']}", why, rows))
    report.exposures += _exposures([before, after], {*report.differing, *remade, *(old.keys() ^ new.keys())})
    report.plan += _plan({table.name: folder_of(new[table.name]) for table in report.tables}, remade, production)
    return report


def _gold_of(base: Warehouse) -> Manifest:
    """The base's Gold, built once for a commit and a Silver; dbt's manifest of it."""
    manifest = base.gold.parent / "manifest.json"
    if not manifest.exists():
        shutil.rmtree(base.gold, ignore_errors=True)
        _succeeded(base.build(), "The base")
        shutil.copy(base.target() / "manifest.json", manifest)
    return _read(manifest)


def _read(file: Path) -> Manifest:
    manifest: Manifest = json.loads(file.read_text(encoding="utf-8"))
    return manifest


def _succeeded(outcome: Outcome, side: str) -> Outcome:
    if not outcome.success:
        raise SetupError(f"{side} does not build:\n{outcome.message.strip()}")
    return outcome


def _said(outcome: Outcome, name: str) -> dict[str, Any]:
    """What the engine did to a table, or would do."""
    said: dict[str, Any] = json.loads(outcome.results[name].adapter_response["code"])
    return said


def _plan(places: dict[str, str], remade: list[str], production: Warehouse | None) -> list[str]:
    """What production rebuilds: by the engine's plan for its Gold, where GOLD_BASE says where that is."""
    lines = []
    if production and places:
        # The plan looks at each table as its inputs are now; those below a changed one follow.
        done = _succeeded(production.dbt(*BUILD, variables={"explain": True}), "The plan")
        code: dict[str, int] = {}
        below: dict[str, int] = {}
        for name, place in places.items():
            said = _said(done, name)
            # A plan counts a table that is replaced as a whole as one.
            count = max(said["checked"], len([*(production.gold / place).glob("*=*")]))
            (code if "code changed" in said["reasons"] else below)[name] = count
        lines += [f"{_count(sum(code.values()), 'partition')} for new code: {_named(code)}"] if code else []
        lines += [f"up to {sum(below.values())} of other tables: {_named(below)}"] if below else []
    elif places:
        lines.append(f"every partition of {', '.join(places)}; with GOLD_BASE set, the plan says how many there are")
    if remade:
        lines.append(f"by hand: `dbt build --full-refresh --select {' '.join(f'{name}+' for name in remade)}`")
    return lines


def _named(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


# --- what dbt's manifest says --------------------------------------------------------------------


def _columns(node: Node) -> dict[str, str]:
    """Names and types of the contract, in order. The partition column is the last."""
    return {name: str(column["data_type"]).lower() for name, column in node["columns"].items()}


def _contract(node: Node) -> list[tuple[str, str]]:
    """The same with their order, which equal dicts may differ in."""
    return [*_columns(node).items()]


def _key(manifest: Manifest, node: Node) -> list[str]:
    """The columns that tell a table's rows apart, by its tests; none where no test says so."""
    for test in manifest["nodes"].values():
        kind = (test.get("test_metadata") or {}).get("name")
        if test.get("attached_node") == node["unique_id"] and kind == "unique":
            return [test["column_name"]]
        if test.get("attached_node") == node["unique_id"] and kind == "unique_combination_of_columns":
            return list(test["test_metadata"]["kwargs"]["combination_of_columns"])
    return []


def contract_changes(before: Manifest, after: Manifest) -> list[str]:
    """What changed for who reads tables by names, types and order. Descriptions are no part of that."""
    old, new = tables(before), tables(after)
    lines = [f"{BREAKING}: {name} is gone" for name in old if name not in new]
    lines += [f"{name} is a new table" for name in new if name not in old]
    for name in new:
        lines += _column_changes(name, old[name], new[name]) if name in old else []
    return sorted(lines, key=lambda line: not line.startswith(BREAKING))


def _column_changes(name: str, before: Node, after: Node) -> Iterator[str]:
    old, new = _columns(before), _columns(after)
    for column, kind in old.items():
        if new.get(column) != kind:
            is_now = f"is {new[column]}, and was {kind}" if column in new else "is gone"
            yield f"{BREAKING}: {name}.{column} {is_now}"
    yield from (f"{name}.{column} is new, {kind}" for column, kind in new.items() if column not in old)
    # Who reads files by position sees no partition column in them, and new columns only behind the others.
    partition = after["config"].get("partition_by") or []
    kept = [column for column in old if column in new and column not in partition]
    if [column for column in new if column not in partition][: len(kept)] != kept:
        yield f"{BREAKING}: the columns of {name} are now {', '.join(new)}"


def _exposures(manifests: list[Manifest], hit: set[str]) -> list[str]:
    """Who reads a table that differs, by what either side says of exposures."""
    readers: dict[str, set[str]] = {}
    for exposure in (exposure for manifest in manifests for exposure in manifest["exposures"].values()):
        read = {name.split(".")[-1] for name in exposure["depends_on"]["nodes"]} & hit
        readers.setdefault(exposure["label"] or exposure["name"], set()).update(read)
    return [f"{reader}, by {', '.join(sorted(read))}" for reader, read in readers.items() if read]
