"""The commands behind the Makefile: set-up, build with a summary, report, lint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from goldkit import environment, links, progress, results
from goldkit.environment import PROJECT, SAMPLE, SetupError, gold_base, silver_base

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()
BIN = Path(sys.executable).parent
RESULTS = results.results_file()
SQL = "models tests analyses packages/exact/integration_tests/models"
# sqlfluff ends with 0 when a rule of its own crashes, and says CRITICAL.
SQLFLUFF = f"set -o pipefail; sqlfluff lint {SQL} 2>&1 | tee /dev/stderr | (! grep -q CRITICAL)"
# Of a command that hands what it does not know to dbt.
DBT_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
LINTERS: dict[str, tuple[str, ...]] = {
    "ruff": ("ruff", "check", "goldkit", "tests"),
    "mypy": ("mypy",),
    "yamllint": ("yamllint", "--strict", "."),
    "sqlfluff": ("bash", "-c", SQLFLUFF),
    "dbt parse": ("dbt", "--quiet", "--warn-error", "parse", "--show-all-deprecations", "--no-partial-parse"),
    "dbt-bouncer": ("dbt-bouncer", "run"),
    "dbt-bouncer of packages/exact": ("dbt-bouncer", "run", "--config-file", "packages/exact/dbt-bouncer.yml"),
    "zizmor": ("zizmor", "--offline", "--quiet", ".github/workflows"),
    "cfn-lint": ("cfn-lint", "deploy/template.yml"),
    # Policies of what somebody may do; the trust policy, which has no resource, is checked by cfn-lint.
    "parliament": ("parliament", "--files", "deploy/role-policy.json,deploy/caller-policy.json"),
}
MACROS = ("macros", "packages/exact/macros", "packages/exact/integration_tests/macros")
MACRO_WIDTH = 110


def run(*command: str | Path) -> int:
    """Run a command in the project's folder with its output on the screen; returns its exit code.

    Of Ctrl-C the command knows by itself; it is given the time to end.
    """
    process = subprocess.Popen(command, cwd=PROJECT, env=environ())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def environ() -> dict[str, str]:
    """This process's environment, with the commands of the virtual environment first."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@app.command()
def setup() -> None:
    """Java, a quiet Spark, Iceberg, profiles.yml and dbt_utils. Safe to repeat."""
    try:
        environment.configure_spark(Path(sys.executable))
        environment.make_profile()
        warnings = [environment.install_packages(BIN / "dbt"), environment.install_iceberg()]
    except SetupError as error:
        console.print(f"[red]{error}[/]", soft_wrap=True)
        raise typer.Exit(1) from error
    for warning in filter(None, warnings):
        console.print(f"[bold yellow]{warning}[/]", soft_wrap=True)


@app.command(context_settings=DBT_OPTIONS)
def build(context: typer.Context) -> None:
    """`dbt build` without the unit tests of the SQL, then what came out of it. Takes dbt's options."""
    from goldkit import storage

    try:
        for file in storage.empty_files(_silver()):
            console.print(f"[red]{file} is empty, and Spark would skip it without a word.[/]", soft_wrap=True)
            console.print("Deliver it again or remove it, then run again; Gold was not touched.")
            raise typer.Exit(1)
        if any(storage.on_s3(os.environ.get(base, "")) for base in ("SILVER_BASE", "GOLD_BASE")):
            environment.install_s3()
    except (SetupError, OSError, ValueError) as error:
        console.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(1) from error
    started = time.time()
    _finish(_dbt_build(*context.args), started, os.environ.get("DBT_TARGET") or "spark")


def _dbt_build(*args: str) -> int:
    """`dbt build` without unit tests, and with a line that says how far it is; returns its exit code."""
    return run(*progress.DBT, *progress.BUILD, *args)


def _silver() -> str:
    """silver_base(); the sample is generated where there is none."""
    if not os.environ.get("SILVER_BASE") and not (SAMPLE / "silver").exists():
        from goldkit import silver

        console.print(f"No SILVER_BASE given: generating a sample in {SAMPLE / 'silver'}", soft_wrap=True)
        silver.sample(SAMPLE / "silver")
    return silver_base()


@app.command()
def diff(base: str = typer.Argument("main")) -> None:
    """What the working tree does to Gold, against the commit where it left BASE: contracts, plan, rows."""
    from goldkit import diff as comparison
    from goldkit import storage

    try:
        silver = _silver()
        if storage.on_s3(silver) or storage.on_s3(os.environ.get("GOLD_BASE", "")):
            raise SetupError("make diff wants both bases on a disk. Copy some days of Silver, and unset GOLD_BASE.")
        report = comparison.run(base, Path(silver))
    except SetupError as error:
        comparison.publish(f"**There is no data diff.**\n\n```\n{error}\n```\n")
        console.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(Markdown(report.text) if console.is_terminal else Text(report.text), soft_wrap=True)


@app.command()
def summary() -> None:
    """Rows, rejected rows and seconds of each table in the last `dbt build`, and where Gold lies."""
    found = results.read(RESULTS)
    _tables(found)
    _look_at(found, 0)


def _finish(code: int, started: float, target: str) -> None:
    """Say what a build came to, tell whoever is to be told, and end with dbt's exit code."""
    from goldkit.notify import notify

    for line in notify(_say(code, started, target), code, target, gold_base()):
        console.print(f"[yellow]{escape(line)}[/]", soft_wrap=True)
    raise typer.Exit(code)


def _say(code: int, started: float, target: str) -> dict[str, Any]:
    """Say what a build came to that began at `started`; returns its results, {} where it came to none."""
    # The clock of a file's time may be some milliseconds behind.
    written = RESULTS.exists() and RESULTS.stat().st_mtime >= started - 1
    found = results.read(RESULTS) if written else {}
    if found.get("args", {}).get("which") != "build":
        found = {}  # it failed before that
    if found and target != "glue":
        _tables(found)
    _look_at(found, code)
    results.tell_reviewer(results.built(found) if found else "")
    return found


def _tables(found: dict[str, Any]) -> None:
    from goldkit.dbt import folder_of, tables

    manifest = results.read(RESULTS.with_name("manifest.json"))
    folders = {name: folder_of(node) for name, node in tables(manifest).items()} if manifest else {}
    table = Table("table", "rows", "rejected", "seconds", "this run")
    for column in table.columns[1:4]:
        column.justify = "right"
    steps = {step["unique_id"].split(".", 2)[2]: step for step in found.get("results", [])}

    def rows(name: str) -> str:
        return _count(f"{gold_base()}/{folders[name]}") if name in folders else ""

    for name in sorted(folders.keys() & steps.keys(), key=lambda name: (_layer(folders[name]), name)):
        if not steps[name]["unique_id"].startswith("model.") or name.startswith("rejected_"):
            continue  # rejected rows stand beside their fact
        status, message = steps[name]["status"], steps[name]["message"]
        said = escape(message) if status == "success" else f"[red]{status}[/]"
        rejected = rows(f"rejected_{name.removeprefix('fact_')}")
        table.add_row(name, rows(name), rejected, f"{steps[name]['execution_time']:.1f}", said)
    console.print(table)


def _look_at(found: dict[str, Any], code: int) -> None:
    """A line for all that failed or warned, and the next step."""
    problems = results.problems(found)
    for problem in problems:
        colour = "red" if problem.failed else "yellow"
        console.print(f"[{colour}]{problem.status}: {problem.name}[/] {escape(problem.message)}", soft_wrap=True)
        if problem.advice:
            console.print(f"    {escape(problem.advice)}", soft_wrap=True)
    console.print(f"Gold: {gold_base()}", soft_wrap=True)
    if code or any(problem.failed for problem in problems):
        console.print(f"Log: {results.log_file()}", soft_wrap=True)
        text = "Next: mend what failed and run the same command again; it takes up from there."
    else:
        text = "Next: make report, dbt docs generate && dbt docs serve, or the queries in analyses/."
    console.print(text, soft_wrap=True)


def _layer(folder: str) -> int:
    return {"dim": 0, "fact": 1}.get(folder.split("/")[0], 2)


def _count(place: str) -> str:
    """Rows of the table in a folder, by its files' footers; empty where it has none yet."""
    import pyarrow.dataset as ds

    from goldkit import storage

    try:
        filesystem, path = storage.locate(place)
        return f"{ds.dataset(path, filesystem=filesystem, format='parquet').count_rows():,}"
    except (OSError, ValueError):
        return ""


@app.command()
def report(out: Path = PROJECT / ".local" / "report" / "index.html") -> None:
    """One page of HTML from GOLD_BASE: its numbers, and whether it is well."""
    import duckdb

    from goldkit import report as page

    gold = gold_base()
    try:
        # Of a Gold in this folder the page does not say where the folder is.
        found = page.write(gold, gold.removeprefix(f"{PROJECT}/"), out, RESULTS)
    except (OSError, ValueError, duckdb.Error) as error:
        console.print(f"[red]{gold} cannot be read: {error}[/]", soft_wrap=True)
        console.print("Is a run writing to it? Make the report again when it is over.")
        raise typer.Exit(1) from error
    if not found:
        console.print(f"[yellow]There are no tables in {gold}, and the page says so.[/]", soft_wrap=True)
    console.print(f"Report: {out}", soft_wrap=True)


@app.command()
def example() -> None:
    """Gold and its report from real purchases, and whether Gold has their published totals."""
    from goldkit import example as cdnow

    base = cdnow.FOLDER
    os.environ.update(SILVER_BASE=str(base / "silver"), GOLD_BASE=str(base / "gold"))
    try:
        if not (base / "silver").exists():
            cdnow.write_silver(cdnow.fetch(base), base / "silver")
    except SetupError as error:
        console.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(1) from error
    started = time.time()
    code = _dbt_build("--vars", json.dumps({"earliest_date": cdnow.FIRST_DAY}))
    _say(code, started, "spark")
    if code:
        raise typer.Exit(code)
    table, wrong = Table("total", "published", "in Gold"), 0
    for total, found in cdnow.totals(base / "gold").items():
        for name, value in found.items():
            wrong += value != cdnow.PUBLISHED[total]
            table.add_row(f"{total} by {name}", f"{cdnow.PUBLISHED[total]:,}", f"{value:,}")
    console.print(table)
    report(base / "report.html")
    if wrong:
        console.print("[red]Gold has other totals than were published.[/]")
        raise typer.Exit(1)


@app.command(context_settings=DBT_OPTIONS)
def glue_build(context: typer.Context) -> None:
    """Preflight and `dbt build` on AWS Glue, in a session that is stopped at the end. Takes dbt's options."""
    from goldkit import glue

    started = time.time()
    _finish(glue.build(context.args), started, "glue")


@app.command(context_settings=DBT_OPTIONS)
def doctor(context: typer.Context) -> None:
    """What a build would miss on this machine, or with `--target glue` in an AWS account. It mends nothing."""
    from goldkit.doctor import main

    raise typer.Exit(main(context.args))


@app.command()
def glue_statements() -> None:
    """Statements and API calls of runs on Glue, against a plain dbt-glue project of the same models."""
    from goldkit import statements

    statements.run()


@app.command()
def ddl(
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = PROJECT / "target" / "ddl",
    gold_base: Annotated[str, typer.Option(envvar="GOLD_BASE", help="Where Gold lies in S3.")] = "",
    database: Annotated[str, typer.Option(envvar="GOLD_SCHEMA", help="Its database in the Data Catalog.")] = "gold",
    region: Annotated[str, typer.Option(envvar="AWS_REGION", help="Region of the Data Catalog.")] = "eu-west-1",
    role: Annotated[
        str, typer.Option(envvar="REDSHIFT_ROLE_ARN", help="Role by which Redshift reads; default: its own.")
    ] = "default",
    schema: Annotated[str, typer.Option(envvar="REDSHIFT_SCHEMA", help="Schema of the tables in Redshift.")] = "gold",
    external_schema: Annotated[
        str, typer.Option(envvar="REDSHIFT_EXTERNAL_SCHEMA", help="Redshift's schema over the Data Catalog.")
    ] = "spectrum",
) -> None:
    """SQL for Redshift and Athena from the contracts: docs/redshift.md."""
    from goldkit import ddl as sql

    if not gold_base:
        gold_base = "s3://company-gold"
        console.print(f"[yellow]GOLD_BASE is not given: athena.sql says {gold_base}.[/]", soft_wrap=True)
    try:
        names = sql.Names(gold_base, database, region, role, schema, external_schema)
        for file in sql.write(_manifest("parse"), names, folder):
            console.print(str(file), soft_wrap=True)
    except SetupError as error:
        console.print(f"[red]{error}[/]", soft_wrap=True)
        raise typer.Exit(1) from error


@app.command()
def docs() -> None:
    """The pages that are made from the models: docs/star.md, its picture, models/origins.md. Needs no Spark."""
    from goldkit import lineage

    manifest = _manifest("compile", "--no-introspect", "--no-populate-cache")
    for file in lineage.write(manifest, PROJECT):
        console.print(str(file), soft_wrap=True)


def _manifest(*command: str) -> Any:
    """dbt's manifest, as a command makes it. Ends with dbt's exit code where that fails."""
    if code := run(BIN / "dbt", "--quiet", *command, "--target-path", PROJECT / "target"):
        raise typer.Exit(code)
    return json.loads((PROJECT / "target" / "manifest.json").read_text())


@app.command()
def bench(parts: list[str] = typer.Argument(None), events: int = 10_000_000, repeat: int = 3) -> None:  # noqa: B008
    """Cost as ratios to the hand-written job and DuckDB. Parts: full, history, many-days, large; all take hours."""
    from goldkit import bench as benchmark

    try:
        benchmark.run(parts or [], events, repeat)
    except SetupError as error:
        console.print(f"[red]{error}[/]", soft_wrap=True)
        raise typer.Exit(1) from error


def long_lines() -> list[str]:
    """Lines of macros that are too wide, as messages. Macros are Jinja, which sqlfluff does not check."""
    return [
        f"{path.relative_to(PROJECT)}:{number}: {len(line)} characters, of at most {MACRO_WIDTH}"
        for folder in MACROS
        for path in sorted((PROJECT / folder).rglob("*.sql"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > MACRO_WIDTH
    ]


# Lints of the project's own: each returns what it found, as messages.
CHECKS = {"line length of macros": long_lines, "links": links.broken}


@app.command()
def lint(names: list[str] = typer.Argument(None)) -> None:  # noqa: B008
    """Everything that can be checked without data: SQL, conventions, yml, Python, pages, infrastructure."""
    wrong = set(names or ()) - {*CHECKS, *LINTERS}
    if wrong:
        console.print(f"[red]No lint is called {', '.join(wrong)}. There are: {', '.join([*CHECKS, *LINTERS])}.[/]")
        raise typer.Exit(2)
    found = []
    for name, check in CHECKS.items():
        if (not names or name in names) and (messages := check()):
            console.print(Rule(name), Text("\n".join(messages)), soft_wrap=True)
            found.append(name)
    # Those of dbt read what its parser wrote, one after the other; the rest run beside them.
    wanted = [name for name in LINTERS if not names or name in names]
    of_dbt = [name for name in wanted if name.startswith("dbt")]
    others = [name for name in wanted if name not in of_dbt]
    with ThreadPoolExecutor(2) as pool:
        found += [name for each in pool.map(find, (of_dbt, others)) for name in each]
    if found:
        console.print(f"[red]{', '.join(found)} found something: see above.[/]")
        raise typer.Exit(1)


def find(linters: list[str]) -> list[str]:
    """Run linters and show what each said; returns the names of those that found something."""
    found = []
    for name in linters:
        command = LINTERS[name]
        if not (BIN / command[0]).exists() and command[0] != "bash":
            console.print(f"[yellow]{name} is left out: it has no release for this Python.[/]")
            continue
        done = subprocess.run(
            command, cwd=PROJECT, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        console.print(Rule(name), Text(done.stdout.strip()), soft_wrap=True)
        if done.returncode:
            found.append(name)
    return found
