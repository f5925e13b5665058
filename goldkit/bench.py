"""Cost of the project beside the hand-written job, as ratios of one run: `make bench`.

Every figure is of a process of its own, as a user starts it: a new Spark, which has compiled nothing. What takes
three runs is told by their median; runs that are compared take turns, since a machine is faster at some hours. The
data and the opponents are the scripts of a bench folder (make_silver.py, glue_job.py, duckdb_job.py). The project's
seconds are those in which one of its models ran, and the scripts' those of their TOTAL line: neither counts the
start of the JVM. `wall` counts everything. CPU seconds and peak memory are those of the process and all that it
started.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from time import monotonic

import duckdb
from rich.console import Console
from rich.table import Table

from goldkit.dbt import BUILD, Warehouse
from goldkit.environment import PROJECT, SetupError

console = Console(width=150)
TICKS = os.sysconf("SC_CLK_TCK")
FACTS = {"fact_events": "event_date", "fact_transactions": "tx_date", "fact_user_activity": "activity_date"}


@dataclass
class Cost:
    """What a run took: seconds of its work, of the whole process, of all CPUs; bytes of memory at the peak."""

    seconds: float
    wall: float
    cpu: float
    memory: int
    models: dict[str, float]
    messages: dict[str, str]


def measure(command: list[str | Path], env: dict[str, str], read: Callable[[str], Cost]) -> Cost:
    """Run a command to its end; `read` makes the Cost of what it printed, and the rest is filled in here.

    Raises SetupError with the end of what it said when it fails.
    """
    began = monotonic()
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )
    used: dict[int, float] = {}
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            memory = 0
            for pid, cpu, resident in session(process.pid):
                used[pid] = max(cpu, used.get(pid, 0.0))
                memory += resident
            peak = max(peak, memory)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    wall = monotonic() - began
    done.set()
    watcher.join()
    if process.returncode:
        raise SetupError(f"{' '.join(map(str, command))} failed:\n{said[-3000:]}")
    cost = read(said)
    cost.wall, cost.cpu, cost.memory = wall, sum(used.values()), peak
    return cost


def session(leader: int) -> Iterator[tuple[int, float, int]]:
    """(pid, CPU seconds, bytes of memory) of each process that a session leader started, and of itself."""
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError):
            continue
        if int(stat[3]) == leader:
            yield int(folder.name), (int(stat[11]) + int(stat[12])) / TICKS, int(stat[21]) * page


def median(costs: list[Cost], of: str = "seconds") -> Cost:
    """The run that is in the middle by its seconds, or by another figure."""
    return sorted(costs, key=attrgetter(of))[len(costs) // 2]


class Bench:
    """A folder of generated Silver lakes, and what is built from each."""

    def __init__(self, scripts: Path, work: Path, repeat: int) -> None:
        if not (scripts / "make_silver.py").exists():
            raise SetupError(f"No make_silver.py in {scripts}. Set BENCH to the folder with the bench scripts.")
        self.scripts, self.work, self.repeat = scripts, work, repeat
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)

    def script(self, name: str, *args: str | int | Path) -> Cost:
        """Run a bench script; its seconds are those of its TOTAL line, 0 where it prints none."""

        def read(said: str) -> Cost:
            totals = [float(line.split()[1]) for line in said.splitlines() if line.startswith("TOTAL")]
            return Cost(sum(totals), 0, 0, 0, {}, {})

        cost = measure([sys.executable, self.scripts / name, *map(str, args)], {}, read)
        console.print(f"{name} {' '.join(map(str, args[1:]))}: {cost.wall:.0f} s wall", style="dim")
        return cost

    def lake(self, name: str, events: int, days: int) -> Path:
        """A Silver lake of so many events in so many days."""
        self.script("make_silver.py", self.work / name, events, days)
        return self.work / name

    def warehouse(self, lake: Path) -> Warehouse:
        """The Gold of a lake."""
        return Warehouse(lake.name, self.work / "dbt" / lake.name, lake, self.work / f"gold-{lake.name}")

    def forget(self, lake: Path) -> None:
        """Remove Gold and its metastore, so that the next build is a first one."""
        for path in (self.warehouse(lake).gold, self.warehouse(lake).folder / "metastore"):
            shutil.rmtree(path, ignore_errors=True)

    def dbt(self, lake: Path, *args: str) -> Cost:
        """`dbt <args>` of a lake in a process of its own: by default a build without tests."""
        warehouse = self.warehouse(lake)
        args = args or BUILD
        results = warehouse.target() / "run_results.json"

        def read(_: str) -> Cost:
            ran = json.loads(results.read_text())["results"]
            models = [result for result in ran if result["unique_id"].startswith("model.")]
            name = {id(result): result["unique_id"].split(".")[-1] for result in models}
            return Cost(
                sum(result["execution_time"] for result in models), 0, 0, 0,
                {name[id(result)]: result["execution_time"] for result in models},
                {name[id(result)]: result["message"] for result in models},
            )  # fmt: skip

        env = warehouse.prepare() | {"METASTORE": str(warehouse.folder / "metastore")}
        cost = measure([sys.executable, "-m", "dbt.cli.main", *args], env, read)
        console.print(
            f"{lake.name}: {cost.seconds:.1f} s of models, {cost.cpu:.0f} CPU s, {cost.wall:.0f} s wall", style="dim"
        )
        return cost

    def first(self, lake: Path) -> Cost:
        """A first build."""
        self.forget(lake)
        return self.dbt(lake)

    def some(self, run: Callable[[], Cost], of: str = "seconds") -> Cost:
        """The median of as many runs as are wanted."""
        return median([run() for _ in range(self.repeat)], of)

    def in_turn(self, runs: dict[str, Callable[[], Cost]]) -> dict[str, Cost]:
        """The median of each of some runs that are compared: one of each, then one of each again."""
        costs = [{name: run() for name, run in runs.items()} for _ in range(self.repeat)]
        return {name: median([each[name] for each in costs]) for name in runs}


def add_day(lake: Path, late: int = 100) -> None:
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
            f"copy (select * replace ('{target}' || {key} as {key}, {replaced})"
            f" from read_parquet('{folders[0]}/*.parquet', hive_partitioning=false))"
            f" to '{out}/new.parquet' (format parquet)"
        )
        if dataset == "events":
            con.execute(
                f"copy (select * replace ('late{target}' || {key} as {key}) from read_parquet("
                f"'{folders[9]}/*.parquet', hive_partitioning=false) limit {late})"
                f" to '{folders[9]}/late{target}.parquet' (format parquet)"
            )


def change_users(lake: Path) -> None:
    """One user in a hundred grows a year older."""
    file = next((lake / "users").iterdir())
    new = file.with_suffix(".new")
    age = "case when hash(user_id) % 100 = 0 then age + 1 else age end as age"
    duckdb.sql(f"copy (select * replace ({age}) from '{file}') to '{new}' (format parquet)")
    new.rename(file)


def skewed(lake: Path, out: Path) -> Path:
    """The lake again, with half of all rows in its tenth day, and a twentieth of them of one user."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; set memory_limit = '8GB'; set preserve_insertion_order = false")
    out.mkdir()
    shutil.copytree(lake / "users", out / "users")
    for dataset, day, moment, key in (
        ("events", "event_date", "ts", "event_id"),
        ("transactions", "tx_date", "created_at", "tx_id"),
    ):
        tenth = sorted((lake / dataset).iterdir())[9].name.split("=")[1]
        moved = f"timestamp '{tenth}' + ({moment}::timestamp - date_trunc('day', {moment}::timestamp))"
        moved = f"strftime({moved}, '%Y-%m-%d %H:%M:%S')" if dataset == "events" else moved
        half = f"hash({key}) % 2 = 0"
        con.execute(
            f"copy (select * replace (case when {half} then {moved} else {moment} end as {moment},"
            f" case when {half} then date '{tenth}' else {day} end as {day},"
            f" case when hash({key}) % 20 = 1 then 'u1' else user_id end as user_id)"
            f" from read_parquet('{lake / dataset}/*/*.parquet', hive_partitioning=true))"
            f" to '{out / dataset}' (format parquet, partition_by ({day}))"
        )
    return out


def earlier(lake: Path, out: Path, days: int) -> Path:
    """The lake again, so many days earlier: what lies in the future would be rejected."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; set memory_limit = '8GB'; set preserve_insertion_order = false")
    out.mkdir()
    shutil.move(lake / "users", out / "users")
    ago = f"interval {days} days"
    for dataset, day, moments in (
        ("events", "event_date", f"strftime(ts::timestamp - {ago}, '%Y-%m-%d %H:%M:%S') as ts"),
        ("transactions", "tx_date", f"created_at - {ago} as created_at, delivered_at - {ago} as delivered_at"),
    ):
        con.execute(
            f"copy (select * replace ({moments}, {day} - {days} as {day})"
            f" from read_parquet('{lake / dataset}/*/*.parquet', hive_partitioning=true))"
            f" to '{out / dataset}' (format parquet, partition_by ({day}))"
        )
    shutil.rmtree(lake)
    return out


def rewrite(gold: str, out: str) -> None:
    """The three facts of a Gold, written once more by Spark alone with a dynamic overwrite; prints TOTAL."""
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", "16")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        .getOrCreate()
    )
    began = monotonic()
    for table, day in FACTS.items():
        rows = spark.read.parquet(f"{gold}/fact/{table}")
        rows.repartition(day).write.mode("overwrite").partitionBy(day).parquet(f"{out}/{table}")
    print(f"TOTAL {monotonic() - began:.2f}")


def files(folder: Path) -> tuple[int, int]:
    """(number, bytes) of the parquet files below a folder."""
    sizes = [file.stat().st_size for file in folder.rglob("*.parquet")]
    return len(sizes), sum(sizes)


def title(text: str) -> Table:
    """A table of costs under a heading."""
    console.rule(f"[bold]{text}", align="left")
    table = Table("run", "seconds", "CPU s", "wall s", "peak memory, GB", "what it is a part of")
    for column in table.columns[1:5]:
        column.justify = "right"
    return table


def row(table: Table, name: str, cost: Cost, *parts: tuple[str, float]) -> None:
    """A run as a line: with its seconds as parts of others' seconds."""
    said = ", ".join(f"{cost.seconds / seconds:.2f} × {of}" for of, seconds in parts)
    figures = (f"{cost.seconds:.1f}", f"{cost.cpu:.0f}", f"{cost.wall:.0f}", f"{cost.memory / 1e9:.1f}")
    table.add_row(name, *figures, said)


def each_model(cost: Cost) -> None:
    """What each model took and said."""
    console.print(", ".join(f"{name} {seconds:.1f}" for name, seconds in cost.models.items()), style="dim")


def full(bench: Bench, events: int) -> None:
    """A full build, nothing new, a new day, a new day with changed users; against the opponents."""
    lake = bench.lake("days30", events, 30)
    table = title(f"{events:,} events in 30 days")
    costs = bench.in_turn({
        "DuckDB": lambda: bench.script("duckdb_job.py", lake, bench.work / "duckdb"),
        "hand-written job, df": lambda: bench.script("glue_job.py", lake, bench.work / "df", "df"),
        "hand-written job, rdd": lambda: bench.script("glue_job.py", lake, bench.work / "rdd", "rdd"),
        "first build": lambda: bench.first(lake),
    })  # fmt: skip
    built = costs.pop("first build")
    for name, cost in costs.items():
        row(table, name, cost)
    df, rdd = costs["hand-written job, df"].seconds, costs["hand-written job, rdd"].seconds
    row(table, "first build", built, ("df", df), ("rdd", rdd))
    bench.dbt(lake, "build")  # which asks each test once
    idle = bench.some(lambda: bench.dbt(lake, "build"), "wall")
    row(table, "nothing new: dbt build, all tests and unit tests", idle)
    table.add_row("", "", "", "", "", f"target: at most 20 s of wall time; it took {idle.wall:.1f}")

    def new_day() -> Cost:
        add_day(lake)
        return bench.dbt(lake)

    more = bench.some(new_day)
    row(table, "new day and 100 late rows", more, ("rdd", rdd), ("first build", built.seconds))
    change_users(lake)
    users = new_day()
    row(table, "the same, 1% of users changed", users, ("first build", built.seconds))
    console.print(table)
    each_model(built)
    each_model(more)
    for name, message in users.messages.items():
        console.print(f"users changed: {name}: {message}", style="dim")
    for name, folder in (("Gold", bench.warehouse(lake).gold), ("df", bench.work / "df")):
        count, size = files(folder)
        console.print(f"{name}: {count:,} files, {size / 1e6:,.0f} MB")


def history(bench: Bench, rows: int) -> None:
    """A new day after 30, 365 and 1,095 days of so many events."""
    table = title(f"A new day and 100 late rows after days of {rows:,} events")
    runs: dict[str, Callable[[], Cost]] = {}
    for days in (30, 365, 1095):
        lake = earlier(bench.lake("made", rows * days, days), bench.work / f"history{days}", 730)
        bench.first(lake)

        def new_day(lake: Path = lake) -> Cost:
            add_day(lake)
            return bench.dbt(lake)

        runs[f"{days} days"] = new_day
    costs = bench.in_turn(runs)
    for name, cost in costs.items():
        row(table, name, cost, ("30 days", costs["30 days"].seconds))
    console.print(table)
    for cost in costs.values():
        each_model(cost)


def many_days(bench: Bench, rows: int) -> None:
    """A first build of 365 days of so many rows in each dataset, against Spark that writes the same facts."""
    table = title(f"365 days of {rows} events and transactions")
    lake = bench.lake("many", 365 * rows, 365)
    for folder in (lake / "transactions").iterdir():  # a fifth of the events: five times the files' rows
        file = next(folder.iterdir())
        copies = "range(5) c(i)"
        new = file.with_suffix(".new")
        source = f"select * replace (tx_id || i as tx_id) from '{file}', {copies}"
        duckdb.sql(f"copy ({source}) to '{new}' (format parquet)")
        new.rename(file)
    code = "import sys; from goldkit.bench import rewrite; rewrite(*sys.argv[1:])"
    command: list[str | Path] = [sys.executable, "-c", code, bench.warehouse(lake).gold / "", bench.work / "again"]

    def read(said: str) -> Cost:
        return Cost(float(said.split("TOTAL")[1].split()[0]), 0, 0, 0, {}, {})

    costs = bench.in_turn({
        "first build": lambda: bench.first(lake),
        "Spark alone": lambda: measure(command, {"PYTHONPATH": str(PROJECT)}, read),  # the facts of that build
    })  # fmt: skip
    built, spark = costs["first build"], costs["Spark alone"]
    row(table, "Spark alone, three facts", spark)
    row(table, "first build", built, ("Spark alone", spark.seconds))
    facts = sum(built.models[fact] for fact in FACTS)
    console.print(table)
    console.print(f"Of the first build the three facts: {facts:.1f} s, {facts / spark.seconds:.2f} × Spark alone")
    each_model(built)


def large(bench: Bench, events: int, times: int = 10) -> None:
    """A first build of ten times as many events, and one of skewed rows, a row of each against the even case."""
    table = title(f"{events:,} events: {times} times as many, and as many of a skewed lake")
    even = bench.lake("even", events, 30)
    base = bench.some(lambda: bench.first(even))
    row(table, "even", base)
    uneven = skewed(even, bench.work / "skewed")
    row(table, "half in one day, 5% of one user", bench.some(lambda: bench.first(uneven)), ("even", base.seconds))
    for lake in (even, uneven):
        bench.forget(lake)
        shutil.rmtree(lake)
    lake = bench.lake("large", events * times, 30)
    cost = bench.first(lake)
    row(table, f"{events * times:,} events", cost, (f"even, for {times} times the rows", base.seconds * times))
    console.print(table)
    each_model(cost)


def run(parts: list[str], events: int, repeat: int) -> None:
    """Print the tables of some parts: full, history, many-days, large."""
    scripts = Path(os.environ.get("BENCH", PROJECT.parent / "shared" / "bench"))
    bench = Bench(scripts, PROJECT / ".local" / "bench", repeat)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    libraries = ", ".join(f"{name} {version(name)}" for name in ("pyspark", "dbt-core", "dbt-spark", "duckdb"))
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.platform()}"
    console.print(f"{machine}, {libraries}; {repeat} runs of each")
    busy = os.getloadavg()[0]
    if busy > 0.5:
        console.print(f"[yellow]This machine is busy (load {busy:.1f}): the figures will not hold.[/]")
    every: dict[str, Callable[[], None]] = {
        "full": lambda: full(bench, events),
        "history": lambda: history(bench, events // 1000),
        "many-days": lambda: many_days(bench, 500),
        "large": lambda: large(bench, events),
    }
    unknown = sorted(set(parts) - set(every))
    if unknown:
        raise SetupError(f"No such part of the benchmark: {', '.join(unknown)}. There are {', '.join(every)}.")
    for part in parts or every:
        every[part]()
