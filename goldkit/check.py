"""Whether a Gold is what it must be: its rows, its files, and nothing beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from goldkit.compare import PATHS, differences, read_table
from goldkit.oracle import gold as compute

TECHNICAL = ("user_bucket", "invocation_id", "rejected_date")

# What else lies below GOLD_BASE, a folder a table.
OTHERS = (
    "audit/claims",
    "seed/countries",
    "seed/order_statuses",
)

# Logs have a folder for what was added at a time.
LOGS = ("audit/manifest", "audit/file_types", "audit/file_days", "audit/run_metrics")

Files = dict[str, tuple[int, int]]  # path below GOLD_BASE -> inode, modification time


def inexact(silver: Path, gold: Path, now: datetime, earliest: date = date(2000, 1, 1)) -> list[str]:
    """How Gold differs from what the contract makes of Silver, in readable lines; [] if it is equal."""
    expected = compute(silver, now=now, earliest=earliest)
    return [
        line
        for table, path in PATHS.items()
        for line in differences(table, expected[table], read_table(gold / path, TECHNICAL))
    ]


def unlike(gold: Path, rebuilt: Path) -> list[str]:
    """How one Gold differs from another."""
    return [
        line
        for table, path in PATHS.items()
        for line in differences(
            table, read_table(rebuilt / path, TECHNICAL), read_table(gold / path, TECHNICAL)
        )
    ]


def files(gold: Path, *tables: str) -> Files:
    """Every parquet file of these tables, or of all: the same entry is the same file, untouched."""
    return {
        str(file.relative_to(gold)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for table in tables or PATHS
        for file in (gold / PATHS[table]).rglob("*.parquet")
    }


def partitions(gold: Path, table: str) -> set[str]:
    """The values of a table's partition column that have a folder."""
    return {folder.name.split("=", 1)[1] for folder in (gold / PATHS[table]).glob("*=*")}


def rewritten(before: Files, after: Files, table: str) -> set[str]:
    """The partitions of a table whose files are not the same as before, new and dropped ones too."""
    changed = {path for path, _ in before.items() ^ after.items()}
    prefix = PATHS[table] + "/"
    names = (path.removeprefix(prefix) for path in changed if path.startswith(prefix))
    return {name.split("/")[0].split("=", 1)[-1] for name in names}


def leftovers(gold: Path) -> list[str]:
    """What lies below GOLD_BASE and is neither a table, a partition nor a file of one."""
    return sorted(str(path.relative_to(gold)) for path in _unknown(gold))


def _unknown(gold: Path) -> Iterator[Path]:
    logs = {gold / path for path in LOGS}
    tables = logs | {gold / path for path in (*PATHS.values(), *OTHERS)}
    layers = {table.parent for table in tables}
    for layer in gold.iterdir():
        if layer == gold / "history":  # Iceberg's own
            continue
        if layer not in layers:
            yield layer
            continue
        for table in layer.iterdir():
            if table not in tables:
                yield table
                continue
            for path in table.iterdir():
                named = "=" in path.name and table.name != "claims" or table in logs
                partition = path.is_dir() and named and any(path.glob("*.parquet"))
                inside = path.iterdir() if partition else [path]
                yield from (file for file in inside if not _is_data(file))


def _is_data(path: Path) -> bool:
    """A parquet file, or the checksum that Hadoop keeps beside a local one."""
    name = path.name
    if name.startswith(".") and name.endswith(".parquet.crc"):
        return path.with_name(name[1:].removesuffix(".crc")).exists()
    return path.is_file() and name.endswith(".parquet")
