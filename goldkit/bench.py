"""Times of the project against the hand-written job and DuckDB, in one run, as ratios.

The data and the two opponents are the scripts of a bench folder (make_silver.py, glue_job.py,
duckdb_job.py). Times of the project are the seconds in which one of its models ran, in one Spark session
that one build of the sample has warmed up; machines are noisy, so read the ratios.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from goldkit import silver
from goldkit.dbt import Outcome, Warehouse
from goldkit.environment import PROJECT, SetupError

console = Console()


class Bench:
    """A folder of generated Silver lakes and the Gold built from each, in one dbt process."""

    def __init__(self, scripts: Path, work: Path) -> None:
        if not (scripts / "make_silver.py").exists():
            raise SetupError(f"No make_silver.py in {scripts}. Set BENCH to the folder with the bench scripts.")
        self.scripts, self.work = scripts, work
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        os.environ["METASTORE"] = str(work / "metastore")

    def script(self, name: str, *args: str | int | Path) -> float:
        """Run a bench script; returns the seconds on its TOTAL line, 0 where it prints none."""
        command = [sys.executable, str(self.scripts / name), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        totals = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("TOTAL")]
        return float(totals[0]) if totals else 0.0

    def lake(self, name: str, events: int, days: int) -> Path:
        """A Silver lake of so many events in so many days."""
        self.script("make_silver.py", self.work / name, events, days)
        return self.work / name

    def build(self, lake: Path) -> Outcome:
        """`dbt build` of a lake, without tests."""
        warehouse = Warehouse(lake.name, self.work / "dbt" / lake.name, lake, self.work / f"gold-{lake.name}")
        outcome = warehouse.build()
        if not outcome.success:
            raise SetupError(f"dbt build of {lake} failed: {outcome.message}")
        console.print(f"{lake.name}: models ran for {outcome.elapsed:.1f} s")
        return outcome


def new_day_and_late_rows(lake: Path, late: int = 100) -> None:
    """One more day at the end of every partitioned dataset, and `late` events for its tenth day.

    The new day is a copy of the first, moved behind the last, under new ids.
    """
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for dataset, day, moments, key in (
        ("events", "event_date", ["ts"], "event_id"),
        ("transactions", "tx_date", ["created_at", "delivered_at"], "tx_id"),
    ):
        folders = sorted((lake / dataset).iterdir())
        first, last = (folder.name.split("=")[1] for folder in (folders[0], folders[-1]))
        shift = f"interval (date '{last}' - date '{first}' + 1) day"
        text = "strftime({0}::timestamp + {1}, '%Y-%m-%d %H:%M:%S')" if dataset == "events" else "{0} + {1}"
        replaced = ", ".join(f"{text.format(moment, shift)} as {moment}" for moment in moments)
        (target,) = con.execute(f"select (date '{last}' + 1)::varchar").fetchone() or ("",)
        out = lake / dataset / f"{day}={target}"
        out.mkdir()
        con.execute(
            f"copy (select * replace ('n' || {key} as {key}, {replaced}) from read_parquet('{folders[0]}/*.parquet',"
            f" hive_partitioning=false)) to '{out}/new.parquet' (format parquet)"
        )
        if dataset == "events":
            con.execute(
                f"copy (select * replace ('late' || {key} as {key}) from read_parquet('{folders[9]}/*.parquet',"
                f" hive_partitioning=false) limit {late}) to '{folders[9]}/late.parquet' (format parquet)"
            )


def table_of(columns: dict[str, Outcome]) -> tuple[Table, list[float]]:
    """Seconds of each model in each run, and the seconds in which models ran."""
    table = Table("model", *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    runs = list(columns.values())
    for name in runs[0].seconds:
        table.add_row(name, *(f"{run.seconds[name]:.1f}" for run in runs))
    sums = [sum(run.seconds.values()) for run in runs]
    totals = [run.elapsed for run in runs]
    for name, seconds in (("sum over models", sums), ("[bold]seconds in which models ran[/]", totals)):
        table.add_row(name, *(f"{value:.1f}" for value in seconds))
        shares = [f"{value / seconds[0]:.2f} = 1/{seconds[0] / value:.1f}" for value in seconds]
        table.add_row("  of the first column", *shares)
    return table, totals


def run(events: int, history: int) -> None:
    """Print the two tables: a lake of `events` in 30 days, and the same day's cost after 30 and 365 days."""
    scripts = Path(os.environ.get("BENCH", PROJECT.parent / "shared" / "bench"))
    bench = Bench(scripts, PROJECT / ".local" / "bench")
    silver.sample(bench.work / "warm")
    bench.build(bench.work / "warm")

    lake = bench.lake("days30", events, 30)
    full = bench.build(lake)
    idle = bench.build(lake)
    opponents = {
        "DuckDB": bench.script("duckdb_job.py", lake, bench.work / "duckdb"),
        "hand-written job (casts)": bench.script("glue_job.py", lake, bench.work / "df", "df"),
        "hand-written job (rows through Python)": bench.script("glue_job.py", lake, bench.work / "rdd", "rdd"),
    }
    new_day_and_late_rows(lake)
    more = bench.build(lake)
    table, totals = table_of({"full": full, "no-op": idle, "new day + late rows": more})
    for name, seconds in opponents.items():
        table.add_row(f"of {name}, {seconds:.0f} s", *(f"{total / seconds:.2f}" for total in totals))
    console.print(f"[bold]{events:,} events in 30 days[/]", table)

    runs = {}
    for days in (30, 365):
        lake = bench.lake(f"history{days}", history * days // 365, days)
        bench.build(lake)
        new_day_and_late_rows(lake)
        runs[f"{days} days"] = bench.build(lake)
    table, _ = table_of(runs)
    console.print(f"[bold]One new day after 30 and 365 days of history, {history:,} events in 365 days[/]", table)
