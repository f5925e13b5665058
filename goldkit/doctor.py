"""Looks at a machine, or at an AWS account, and says what a build would miss. It changes nothing.

`python -m goldkit.doctor` needs nothing but Python: it is for when things are broken. Each check stands alone,
and one that cannot be made is a finding too.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldkit.environment import PROJECT, derby_in_use, gold_base, java_home, silver_base

OK, WARNING, MISSING = "ok", "warning", "missing"
DATASETS = ("events", "users", "transactions")
GIB = 2**30


@dataclass
class Finding:
    """One line: what was looked at, how it is, and what to do about it."""

    level: str  # OK; WARNING; MISSING: a build stops
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.level:8} {self.what}" + (f" -> {self.advice}" if self.advice else "")


Findings = Iterator[Finding]


# --- what runs -------------------------------------------------------------------------------------


def python() -> Findings:
    """The Python that this runs in."""
    number = tuple(sys.version_info[:2])
    text = f"Python {platform.python_version()}"
    if number < (3, 10):
        yield Finding(MISSING, text, "install Python 3.10 or later: make setup PYTHON=python3.11")
    elif number > (3, 11):
        yield Finding(WARNING, text, "the project is tested with 3.10 and 3.11")
    else:
        yield Finding(OK, text)


def packages() -> Findings:
    """The packages of this Python against the lock of its Spark."""
    from importlib import metadata

    try:
        spark = metadata.version("pyspark")
    except metadata.PackageNotFoundError:
        yield Finding(MISSING, f"PySpark is not in {sys.prefix}", "make setup")
        return
    lock = PROJECT / ("requirements-spark4.txt" if spark.startswith("4") else "requirements.txt")
    level = OK if spark.startswith(("3.5.", "4.1.")) else WARNING
    yield Finding(level, f"PySpark {spark}", "" if level == OK else "the project is tested with 3.5 and 4.1")
    from packaging.requirements import Requirement

    others, absent = [], 0
    for line in re.findall(r"^[a-zA-Z0-9].*?==[^\\\n]*", lock.read_text(), re.MULTILINE):
        wanted = Requirement(line.strip())
        if wanted.marker and not wanted.marker.evaluate():
            continue
        try:
            installed = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            installed, absent = "absent", absent + 1
        if installed not in wanted.specifier:
            others.append(f"{wanted.name} {installed}, not {str(wanted.specifier)[2:]}")
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    if others:
        text = f"Packages differ from {lock.name}: {'; '.join(others[:3])}{more}"
        yield Finding(MISSING if absent else WARNING, text, "make setup")
    else:
        yield Finding(OK, f"Packages are those of {lock.name}")


def java() -> Findings:
    """The Java that Spark starts, which set-up has chosen."""
    import pyspark

    script = Path(pyspark.__file__).parent / "conf" / "spark-env.sh"
    chosen = re.search(r"JAVA_HOME=\"(.*)\"", script.read_text()) if script.exists() else None
    if chosen is None:
        yield Finding(MISSING, "Spark is not set up", "make setup")
        return
    found = chosen[1]
    done = subprocess.run([f"{found}/bin/java", "-version"], capture_output=True, text=True)
    version = re.search(r'version "([^"]+)"', done.stderr)
    if version and version[1].split(".")[0] == "17":
        yield Finding(OK, f"Java {version[1]} in {found}")
    else:
        yield Finding(MISSING, f"No Java 17 in {found}, which set-up chose", f"make setup, which finds {java_home()}")


def iceberg() -> Findings:
    """The jar of Iceberg, which the history of users needs."""
    import pyspark

    if list((Path(pyspark.__file__).parent / "jars").glob("iceberg-spark-runtime-*.jar")):
        yield Finding(OK, "Iceberg")
    else:
        yield Finding(WARNING, "No Iceberg: the history of users is left out", "make setup, with Maven Central")


def dbt_packages() -> Findings:
    """What `dbt deps` would fetch."""
    absent = [n for n in ("dbt_utils", "exact") if not (PROJECT / "dbt_packages" / n / "dbt_project.yml").exists()]
    if absent:
        yield Finding(MISSING, f"dbt_packages lacks {', '.join(absent)}", "make setup")
        return
    stamp = PROJECT / "dbt_packages" / "dbt_utils" / ".source"
    small = stamp.exists() and stamp.read_text() == "fallback"
    yield Finding(OK, "dbt_packages" + (", with the small dbt_utils of packages/" if small else ""))


def profile() -> Findings:
    """profiles.yml: its targets, and what the example has that it lacks, since set-up never overwrites it."""
    import yaml

    target = os.environ.get("DBT_TARGET") or "spark"
    file = Path(os.environ.get("DBT_PROFILES_DIR") or PROJECT) / "profiles.yml"
    if not file.exists():
        yield Finding(MISSING, f"There is no {file}", "make setup")
        return
    example = yaml.safe_load((PROJECT / "profiles.yml.example").read_text())["silver_to_gold"]["outputs"]
    try:
        outputs = yaml.safe_load(file.read_text())["silver_to_gold"]["outputs"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = str(error).replace("\n", " ") if isinstance(error, yaml.YAMLError) else f"no {error}"
        yield Finding(MISSING, f"{file} cannot be read: {reason}", "compare it with profiles.yml.example")
        return
    if target not in outputs:
        yield Finding(MISSING, f"{file} has no target {target}", "take it from profiles.yml.example")
        return
    lacking = sorted(set(_settings(example.get(target, {}))) - set(_settings(outputs[target])))
    if lacking:
        yield Finding(WARNING, f"{file} lacks {', '.join(lacking)}", "take them from profiles.yml.example")
    else:
        yield Finding(OK, f"{file} has the target {target}, and all settings of the example")


def _settings(target: dict[str, Any]) -> Iterator[str]:
    """Names of a target's settings, those of Spark among them."""
    yield from target
    yield from target.get("server_side_parameters", {})
    yield from re.findall(r"(?:^|--conf )(spark\.[A-Za-z.]+)=", target.get("conf", ""))


# --- where data lies -------------------------------------------------------------------------------


def silver() -> Findings:
    """The three datasets."""
    base = silver_base()
    if "://" in base:
        yield Finding(WARNING, f"SILVER_BASE {base} is not looked at from here", "the run does it first")
        return
    if not os.environ.get("SILVER_BASE") and not Path(base).exists():
        yield Finding(OK, f"SILVER_BASE is not set: make build generates a sample in {base}")
        return
    for dataset in DATASETS:
        folder = Path(base, dataset)
        files = sorted(folder.glob("**/*.parquet"))
        sizes = [file.stat().st_size for file in files]
        closed = [file for file in files if not os.access(file, os.R_OK)]
        if not files:
            yield Finding(MISSING, f"No parquet file in {folder}", "set SILVER_BASE to the folder above")
        elif not all(sizes):
            yield Finding(MISSING, f"{files[sizes.index(0)]} is empty", "deliver it again, or remove it")
        elif closed:
            yield Finding(MISSING, f"{closed[0]} cannot be read", "let this user read it")
        else:
            yield Finding(OK, f"{folder}: {len(files):,} files, {sum(sizes) / GIB:.2f} GiB")


def gold() -> Findings:
    """Whether Gold may be written, and whether there is space for it."""
    base = gold_base()
    if "://" in base:
        yield Finding(WARNING, f"GOLD_BASE {base} is not looked at from here", "the run does it first")
        return
    folder = Path(base)
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK | os.R_OK):
        yield Finding(MISSING, f"GOLD_BASE {base}: {there} cannot be written", "let this user, or set another")
        return
    yield Finding(OK, f"GOLD_BASE {base}" + ("" if there == folder else ", which the first build makes"))
    free = shutil.disk_usage(there).free
    local = "://" not in silver_base()
    wanted = sum(file.stat().st_size for file in Path(silver_base()).glob("**/*.parquet")) if local else 0
    text = f"Disk of GOLD_BASE: {free / GIB:.1f} GiB free, Silver has {wanted / GIB:.2f}"
    if free < max(wanted, GIB):
        yield Finding(MISSING, text, "make room for Gold and for Spark's shuffle, or set GOLD_BASE to another disk")
    elif free < 3 * wanted:
        yield Finding(WARNING, text, "a first build writes Gold, and as much again while it shuffles")
    else:
        yield Finding(OK, text)


def memory() -> Findings:
    """Memory and cores against what Spark is to take."""
    bytes_here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container
    if limit.exists() and limit.read_text().strip().isdigit():
        bytes_here = min(bytes_here, int(limit.read_text()))
    asked = os.environ.get("SPARK_DRIVER_MEMORY") or "4g"
    found = re.fullmatch(r"(\d+)([kmgt])b?", asked.lower())
    if not found:
        yield Finding(MISSING, f"SPARK_DRIVER_MEMORY is {asked}", "write it as 4g or 800m")
        return
    wanted = int(found[1]) * 1024 ** ("kmgt".index(found[2]) + 1)
    text = f"{os.cpu_count()} cores, {bytes_here / GIB:.1f} GiB of memory, of which Spark may take {asked}"
    if wanted > bytes_here:
        yield Finding(MISSING, text, "set SPARK_DRIVER_MEMORY to less")
    elif wanted > bytes_here * 3 / 4:
        yield Finding(WARNING, text, "set SPARK_DRIVER_MEMORY to three quarters of it at most")
    else:
        yield Finding(OK, text)


def others() -> Findings:
    """Whether another run holds Gold, or another process the local metastore."""
    import pyarrow.parquet as pq

    name = re.sub("[/:]", "_", os.environ.get("GOLD_BASE") or "sample")
    metastore = Path(PROJECT, os.environ.get("METASTORE") or f".local/metastore/{name}") / "derby"
    if derby_in_use(f"jdbc:derby:;databaseName={metastore}"):
        yield Finding(MISSING, f"Another process uses the metastore {metastore}", "wait for it to end")
    base = gold_base()
    claims = [] if "://" in base else sorted(Path(base, "audit", "claims").glob("owner=*"))
    for claim in claims:
        rows = [row for file in claim.glob("*.parquet") for row in pq.ParquetFile(file).read().to_pylist()]
        owner, since = claim.name.split("=", 1)[1], rows[0]["claimed_at"] if rows else "?"
        machine, process = (rows[0]["machine"] or "", rows[0]["process"]) if rows else ("", None)
        text = f"The run {owner} claimed Gold at {since:%Y-%m-%d %H:%M} UTC" if rows else f"A claim of {owner}"
        if not machine.startswith(f"{socket.gethostname()}/"):
            yield Finding(WARNING, f"{text}, on another machine", "wait; if it is dead: dbt run-operation unlock")
        elif _runs(process):
            yield Finding(MISSING, f"{text}, and is at work", "wait for it to end")
        else:
            yield Finding(OK, f"{text}, and is dead: the next run takes over")
    if not claims:
        yield Finding(OK, "No other run" + (" is looked for in a bucket" if "://" in base else " writes to Gold"))


def _runs(process: int | None) -> bool:
    """Whether a process of this machine is there; of one without a number nobody knows."""
    try:
        os.kill(process or 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def find_chromium() -> str | None:
    """The browser's path, under whatever name it has here."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium() -> Findings:
    """The browser of the report's tests."""
    found = find_chromium()
    yield Finding(OK, f"Chromium: {found}") if found else Finding(
        WARNING, "No Chromium: tests that look at pages are left out", "apt install chromium, or the like"
    )


# --- an AWS account --------------------------------------------------------------------------------


def credentials() -> Findings:
    """Who calls AWS, and where. What the run's role finds there is the preflight's part."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from goldkit.glue import region

    set_by = next((name for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if os.environ.get(name)), None)
    advice = "" if set_by else "set AWS_REGION, if that is not where Silver and Gold lie"
    yield Finding(OK if set_by else WARNING, f"Region {region()}" + (f", by {set_by}" if set_by else ""), advice)
    try:
        caller = boto3.client("sts", region_name=region()).get_caller_identity()
        yield Finding(OK, f"Credentials of {caller['Arn']}")
    except (BotoCoreError, ClientError) as error:
        yield Finding(MISSING, f"No credentials that work: {error}", "aws sso login, or set AWS_PROFILE")


def preflight() -> Findings:
    """`dbt run-operation preflight`, in a session that is stopped: role, buckets, databases, version."""
    from goldkit import glue

    code = glue.run([["run-operation", "preflight"]])
    yield Finding(MISSING, "Preflight failed", "see its lines above") if code else Finding(
        OK, "Preflight: the role, Silver, Gold and the databases"
    )


# --- all of it -------------------------------------------------------------------------------------

ANYWHERE = (python, packages, java, dbt_packages, profile)
HERE = (iceberg, silver, gold, memory, others, chromium)
AWS = (credentials,)


def examine(checks: tuple[Callable[[], Findings], ...]) -> list[Finding]:
    """Make checks and print what they find. One that fails is a finding, and stops no other."""
    found = []
    for check in checks:
        try:
            for finding in check():
                found.append(finding)
                print(finding, flush=True)
        except Exception as error:
            name = getattr(error, "name", None) if isinstance(error, ImportError) else None
            said = f"the package {name} is not installed" if name else str(error).split("\n")[0]
            found.append(Finding(MISSING, f"{check.__name__} cannot be looked at: {said}", "make setup"))
            print(found[-1], flush=True)
    return found


def main(args: list[str]) -> int:
    """`--target glue` looks at the account too. Returns 1 if a build would stop."""
    glue = args == ["--target", "glue"]
    if args and not glue and args != ["--target", "spark"]:
        print("Usage: goldkit doctor [--target spark|glue]")
        return 2
    if glue:
        os.environ["DBT_TARGET"] = "glue"
    found = examine(ANYWHERE + (AWS if glue else HERE))
    if glue and not any(finding.level == MISSING for finding in found):
        found += examine((preflight,))
    missing = sum(finding.level == MISSING for finding in found)
    warnings = sum(finding.level == WARNING for finding in found)
    print(f"{missing} missing, {warnings} warnings." + ("" if missing else " A build finds what it needs."))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
