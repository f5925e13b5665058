"""The pages that nobody types: where the columns of Gold come from, and how its tables are joined.

Both are read from dbt's manifest with compiled SQL (`dbt compile`). What a column is made from is found
by sqlglot in the SQL of its model. How tables are joined is what the `relationships` tests say of a
column, and of each column that hands its values on unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import mmdr
from sqlglot import exp
from sqlglot.lineage import Node, lineage

LAYERS = ("dim", "fact", "mart")
"""Folders of the models that make up the star."""

MOMENT = "__moment"
"""What the package exact calls the timestamp beside a moment's text, in the views of Silver."""

STAR = """# The star

The tables of Gold and how they are joined. PK: what a row is about. No two rows have the same,
but for an id that was delivered on two days: it has a row in each. FK: leads to one row
of a dimension, or to none, where Silver has no user or country, or one that nobody knows. So take a left join.

```mermaid
{}
```

[`models/origins.md`](../models/origins.md) says where each column comes from, and [`gold.md`](gold.md) what it means.
`make docs` writes this page from the models: change those.
"""

ORIGINS = """{{% docs __silver_to_gold__ %}}
# Where each column comes from

Listed are the columns whose values go into a column: those of Silver and, where other tables lie between, those of
the last table on the way. What only chooses or groups rows is not listed, such as a condition or a `group by`. A dash
means that there is none: rows are counted, the value is the run's id, or it comes from a seed and not from Silver.

`make docs` writes this page from the models: change those.
{}
{{% enddocs %}}
"""

Column = tuple[str, str]
"""A table's and a column's name; tables of Silver are called `silver.events`."""


@dataclass(frozen=True)
class Origin:
    """What a column is made from: columns whose values go into it, and whether one is handed on as it is."""

    columns: frozenset[Column]
    copied: bool


@dataclass
class Lineage:
    """dbt's manifest, asked for columns. Its models must be compiled."""

    manifest: Mapping[str, Any]

    @cached_property
    def models(self) -> dict[str, Mapping[str, Any]]:
        """Models that have a table, by name: layer by layer, in alphabetical order."""
        found = (node for node in self.manifest["nodes"].values() if node["resource_type"] == "model")
        tables = [node for node in found if node["config"]["materialized"] != "ephemeral"]
        return {node["name"]: node for node in sorted(tables, key=lambda node: (_layer(node), node["name"]))}

    @cached_property
    def star_models(self) -> dict[str, Mapping[str, Any]]:
        """Those of the star: dimensions, facts, marts."""
        return {name: node for name, node in self.models.items() if _layer(node) < len(LAYERS)}

    @cached_property
    def origins(self) -> dict[Column, Origin]:
        """Of each column of a model the columns of the tables that its SQL reads. Staging is part of that SQL."""
        names: dict[tuple[str, str], str] = {}  # schema and identifier -> name
        schema: dict[str, dict[str, dict[str, str]]] = {}
        for node in (*self.manifest["nodes"].values(), *self.manifest["sources"].values()):
            if node["resource_type"] not in ("model", "seed", "source"):
                continue
            source = node.get("source_name")
            table = node.get("identifier") or node["alias"]
            names[node["schema"], table] = f"{source}.{node['name']}" if source else node["name"]
            declared = {name: column["data_type"] for name, column in node["columns"].items()}
            if source:  # its view has a timestamp beside the text of each moment; one too many does no harm here
                declared |= {f"{name}{MOMENT}": "timestamp" for name in declared}
            schema.setdefault(node["schema"], {})[table] = declared
        found = {}
        for name, node in self.models.items():
            steps = lineage(None, node["compiled_code"], schema, dialect="spark", trim_selects=False)
            for column in node["columns"]:
                tree = list(steps[column].walk())
                leaves = [(leaf.expression, leaf.name) for leaf in tree if isinstance(leaf.expression, exp.Table)]
                found[name, column] = Origin(
                    frozenset(
                        (names[table.db, table.name], path.split(".")[-1].removesuffix(MOMENT))
                        for table, path in leaves
                    ),
                    bool(leaves) and all(_hands_on(step) for step in tree),
                )
        return found

    def silver(self, column: Column) -> set[Column]:
        """The columns of Silver from which a column is made, by way of whatever tables."""
        if column not in self.origins:
            return {column} if _is_silver(column) else set()
        return {found for origin in self.origins[column].columns for found in self.silver(origin)}

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """Of each table the columns whose values together are unique, by its tests."""
        found = {}
        for test, model, column in self._tests("unique", "unique_combination_of_columns"):
            found[model] = (column,) if column else tuple(test["kwargs"]["combination_of_columns"])
        return found

    @cached_property
    def joins(self) -> dict[Column, Column]:
        """Of each column that says what a row belongs to, the key of that dimension."""
        tested = {}
        for test, model, column in self._tests("relationships"):
            dimension = str(test["kwargs"]["to"]).split("'")[1]
            tested[model, column] = (dimension, str(test["kwargs"]["field"]))
        joins = {(table, column): self._key(tested, (table, column)) for table, column in self.origins}
        return {column: key for column, key in joins.items() if key and not column[0].startswith("dim_")}

    def _key(self, tested: dict[Column, Column], column: Column) -> Column | None:
        origin = self.origins.get(column)
        if column in tested or not origin or not origin.copied:
            return tested.get(column)
        keys = {self._key(tested, copied) for copied in origin.columns}
        return keys.pop() if len(keys) == 1 else None

    def _tests(self, *names: str) -> list[tuple[Mapping[str, Any], str, str]]:
        """Generic tests of models: what was written of the test, the model's name, the column's or an empty text."""
        by_id = {node["unique_id"]: name for name, node in self.models.items()}
        return [
            (node["test_metadata"], by_id[node["attached_node"]], node.get("column_name") or "")
            for node in self.manifest["nodes"].values()
            if (node.get("test_metadata") or {}).get("name") in names and node.get("attached_node") in by_id
        ]

    def star(self) -> str:
        """The tables of the star and how they are joined, as a diagram in mermaid."""
        lines = ["erDiagram"]
        for (table, column), (dimension, _) in self.joins.items():
            many = "|o" if self.keys.get(table) == (column,) else "}o"
            lines.append(f"    {table} {many}--o| {dimension} : {column}")
        for table, node in self.star_models.items():
            lines.append(f"    {table} {{")
            for name, column in node["columns"].items():
                marks = ["PK"] * (name in self.keys.get(table, ())) + ["FK"] * ((table, name) in self.joins)
                # mermaid takes no comma in a type
                lines.append(f"        {column['data_type'].split('(')[0]} {name} {', '.join(marks)}".rstrip())
            lines.append("    }")
        return "\n".join(lines)

    def columns(self) -> str:
        """Of each table of Gold its joins, and its columns with their origins, in Markdown."""
        lines = []
        for table, node in self.models.items():
            lines += ["", f"## {table}", ""]
            joins = [(column, key) for (name, column), key in self.joins.items() if name == table]
            if joins:
                pairs = ", ".join(f"`{column}` = `{_dotted(key)}`" for column, key in joins)
                lines += [f"Joined by {pairs}.", ""]
            lines += ["| column | from Silver | by way of |", "|---|---|---|"]
            for column in node["columns"]:
                between = {way for way in self.origins[table, column].columns if not _is_silver(way)}
                lines.append(f"| `{column}` | {_list(self.silver((table, column)))} | {_list(between)} |")
        return "\n".join(lines)


def write(manifest: Mapping[str, Any], project: Path) -> list[Path]:
    """Write docs/star.md, its picture for dbt's site, and models/origins.md; returns the files."""
    found = Lineage(manifest)
    star = found.star()
    colours = [
        f"    style {name} stroke:{node['docs']['node_color']},fill:#fff" for name, node in found.star_models.items()
    ]
    picture = "\n".join(["%%{init: {'theme': 'neutral', 'look': 'classic'}}%%", star, *colours])
    texts = {
        project / "docs" / "star.md": STAR.format(star),
        project / "docs" / "images" / "star.svg": mmdr.render(picture).svg(),
        project / "models" / "origins.md": ORIGINS.format(found.columns()),
    }
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return list(texts)


def _layer(node: Mapping[str, Any]) -> int:
    """The place of a model's folder among the layers; those that are none come last."""
    return LAYERS.index(node["fqn"][1]) if node["fqn"][1] in LAYERS else len(LAYERS)


def _hands_on(step: Node) -> bool:
    """Whether a step of a column's way leaves its values as they are: it is a column, a table or a union."""
    return isinstance(step.expression.unalias(), exp.Column | exp.Table | exp.SetOperation)


def _is_silver(column: Column) -> bool:
    return column[0].startswith("silver.")


def _dotted(column: Column) -> str:
    return ".".join(column).removeprefix("silver.")


def _list(columns: set[Column]) -> str:
    return ", ".join(f"`{_dotted(column)}`" for column in sorted(columns)) or "–"
