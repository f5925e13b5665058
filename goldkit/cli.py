"""The commands behind the Makefile: set-up, build with a summary, report, lint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from goldkit import environment
from goldkit.environment import PROJECT, SetupError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()
BIN = Path(sys.executable).parent
SAMPLE = PROJECT / ".local" / "sample"
RESULTS = PROJECT / "target" / "run_results.json"
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
    """Run a command in the project's folder with its output on the screen; returns its exit code."""
    return subprocess.run(command, cwd=PROJECT, env=environ()).returncode


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
    RESULTS.unlink(missing_ok=True)
    code = run(BIN / "dbt", "build", "--exclude-resource-type", "unit_test", *context.args)
    if RESULTS.exists():
        summary()
    raise typer.Exit(code)


def _silver() -> str:
    """SILVER_BASE, or else the sample, which is generated where there is none."""
    if os.environ.get("SILVER_BASE"):
        return os.environ["SILVER_BASE"]
    if not (SAMPLE / "silver").exists():
        from goldkit import silver

        console.print(f"No SILVER_BASE given: generating a sample in {SAMPLE / 'silver'}", soft_wrap=True)
        silver.sample(SAMPLE / "silver")
    return str(SAMPLE / "silver")


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
    results = json.loads(RESULTS.read_text())
    gold = os.environ.get("GOLD_BASE") or str(SAMPLE / "gold")
    table = Table("table", "rows", "rejected", "seconds", "this run")
    for column in table.columns[1:4]:
        column.justify = "right"
    for result in sorted(results["results"], key=lambda result: _layer(result["unique_id"])):
        name = result["unique_id"].split(".")[-1]
        if not result["unique_id"].startswith("model.") or name.startswith("rejected_"):
            continue
        rejected = ""
        if name in ("fact_events", "fact_transactions"):
            rejected = _count(gold, name.replace("fact_", "rejected_"))
        message = result["message"] if result["status"] == "success" else f"[red]{result['status']}[/]"
        table.add_row(name, _count(gold, name), rejected, f"{result['execution_time']:.1f}", message)
    console.print(table)
    failed = [r for r in results["results"] if r["status"] in ("error", "fail", "runtime error")]
    for result in failed:
        name = result["unique_id"].split(".")[2]
        console.print(f"[red]{result['status']}: {name}[/] {(result['message'] or '').strip()}", soft_wrap=True)
    console.print(f"Gold: {gold}", soft_wrap=True)
    if failed:
        console.print("Next: mend what failed and run the same command again; it takes up from there.")
    else:
        console.print("Next: make report, dbt docs generate && dbt docs serve, or the queries in analyses/.")


def _layer(unique_id: str) -> tuple[int, str]:
    name = unique_id.split(".")[-1]
    layer = {"dim": 0, "fact": 1}.get(name.split("_")[0], 2)
    return layer, name


def _count(gold: str, name: str) -> str:
    """Rows of a table by its files' footers; empty where it has none yet."""
    import pyarrow.dataset as ds

    from goldkit import storage

    layer = {"dim": "dim", "fact": "fact", "rejected": "audit"}.get(name.split("_")[0], "mart")
    try:
        filesystem, path = storage.locate(f"{gold}/{layer}/{name}")
        return f"{ds.dataset(path, filesystem=filesystem, format='parquet').count_rows():,}"
    except (OSError, ValueError):
        return ""


@app.command()
def report(out: Path = PROJECT / ".local" / "report" / "index.html") -> None:
    """One page of HTML from GOLD_BASE: its numbers, and whether it is well."""
    import duckdb

    from goldkit import report as page

    gold = os.environ.get("GOLD_BASE") or str(SAMPLE / "gold")
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


@app.command(context_settings=DBT_OPTIONS)
def glue_build(context: typer.Context) -> None:
    """Preflight and `dbt build` on AWS Glue, in a session that is stopped at the end. Takes dbt's options."""
    from goldkit import glue

    raise typer.Exit(glue.build(str(BIN / "dbt"), context.args))


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
        if code := run(BIN / "dbt", "--quiet", "parse", "--target-path", PROJECT / "target"):
            raise typer.Exit(code)
        manifest = json.loads((PROJECT / "target" / "manifest.json").read_text())
        for file in sql.write(manifest, names, folder):
            console.print(str(file), soft_wrap=True)
    except SetupError as error:
        console.print(f"[red]{error}[/]", soft_wrap=True)
        raise typer.Exit(1) from error


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


@app.command()
def lint() -> None:
    """Everything that can be checked without data: SQL, conventions, yml, Python, infrastructure."""
    if found := long_lines():
        console.print("\n".join(["[red]Macros have lines that are too long:[/]", *found]), soft_wrap=True)
        raise typer.Exit(1)
    # Those of dbt read what its parser wrote, one after the other; the rest run beside them.
    of_dbt = [name for name in LINTERS if name.startswith("dbt")]
    others = [name for name in LINTERS if name not in of_dbt]
    with ThreadPoolExecutor(2) as pool:
        found = [name for names in pool.map(find, (of_dbt, others)) for name in names]
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
