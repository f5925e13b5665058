"""How the rows of a table differ between two folders of parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

EXAMPLES = 3  # rows shown of each kind
WIDTH = 200  # characters of a row that was added or removed
VOLATILE = ("invocation_id",)  # columns that differ from run to run

Columns = Mapping[str, str]  # name -> type


@dataclass
class Rows:
    """How many rows differ, in which columns, and some of them in Markdown."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: dict[str, int] = field(default_factory=dict)  # in how many rows each differs
    examples: list[str] = field(default_factory=list)

    @property
    def differ(self) -> bool:
        """Whether any row is another one."""
        return bool(self.added or self.removed or self.changed)


def compare(before: Path, after: Path, old: Columns, new: Columns, key: Sequence[str]) -> Rows:
    """Compare two versions of a table in the columns that both have. Rows of one key are versions of one row.

    Where a key occurs more than once, its rows are paired in their order. Without a key a row is known by all that it
    holds, so that rows are added and removed, and none is changed.
    """
    shared = [name for name in new if name in old and name not in VOLATILE]
    key = [name for name in key if name in shared] or shared
    values = [name for name in shared if name not in key]
    differ = {name: f'b."{name}" is distinct from a."{name}"' for name in values}
    same = " and ".join(f'b."{name}" is not distinct from a."{name}"' for name in [*key, "here"])
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for side, folder in (("b", before), ("a", after)):
            # A column that has another type is compared by what it says.
            cast = {name: "" if old[name] == new[name] else "::varchar" for name in shared}
            columns = ", ".join(f'"{name}"{cast[name]} as "{name}"' for name in shared)
            number = f"row_number() over (partition by {_list(key)} order by {_list(shared)}) as here"
            con.execute(f"create view {side} as select {columns}, {number} from {_files(folder, shared)}")
        con.execute(
            f"create table pairs as select b, a from b full join a on {same} where"
            f" {' or '.join(['b.here is null', 'a.here is null', *differ.values()])}"
        )
        kinds = ("b.here is null", "a.here is null", "b.here is not null and a.here is not null")
        counts = [*kinds, *(f"{kinds[2]} and {differs}" for differs in differ.values())]
        sums = ", ".join(f"count(*) filter (where {it})" for it in counts)
        found = con.execute(f"select {sums} from pairs").fetchone() or ()
        rows = Rows(*found[:3])
        rows.columns = {name: count for name, count in zip(values, found[3:], strict=True) if count}
        for kind in (kinds[2], *kinds[:2]):
            query = f"select b, a from pairs where {kind} order by all limit {EXAMPLES}"
            rows.examples += [_example(was, now, key, values) for was, now in con.execute(query).fetchall()]
    return rows


def _list(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _files(folder: Path, columns: Sequence[str]) -> str:
    """SQL: the files of a table, or no row where it has none. Spark skips hidden files."""
    files = [str(file) for file in sorted(folder.rglob("*.parquet")) if file.name[0] not in "._"]
    if not files:
        return f"(select {', '.join(f'null::varchar as {name}' for name in columns)} where false)"
    texts = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{texts}], hive_partitioning = true, hive_types_autocast = false)"


def _example(was: Mapping[str, object], now: Mapping[str, object], key: Sequence[str], values: Sequence[str]) -> str:
    if was["here"] and now["here"]:
        edits = [f"{name} {was[name]} → {now[name]}" for name in values if was[name] != now[name]]
        return f"`{_text(now, key)}`: `{', '.join(edits)}`"
    word, row = ("removed", was) if was["here"] else ("added", now)
    return f"{word}: `{_text(row, [*key, *values])[:WIDTH]}`"


def _text(row: Mapping[str, object], names: Iterable[str]) -> str:
    return ", ".join(f"{name}={row[name]}" for name in names)
