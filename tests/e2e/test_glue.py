"""The project on AWS Glue: the unmodified dbt-glue adapter against an endpoint that speaks AWS's protocol.

Guards against what works on Spark and not through dbt-glue, which pastes SQL into Python, runs each query
twice, asks the Data Catalog for tables, and leaves sessions behind.

All of it runs with the permissions that deploy/ ships and no others: the endpoint evaluates each call, and what
a session does to the catalog and to S3 (goldkit/iam.py). Buckets and databases have the names of those files.

With PySpark 3.5 the endpoint is Glue 5.1, with 4.1 it is Glue 6.0.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyspark
import pytest

from goldkit import check, iam, silver
from goldkit.changes import Lake, late_rows, users_changed
from goldkit.compare import PATHS
from goldkit.dbt import Outcome, Warehouse
from goldkit.environment import PROJECT, iceberg_for_glue
from goldkit.glue_endpoint import SMALL, admin_client, client_environ

from .conftest import NewWarehouse, copy_of_the_project
from .toy import STEPS, Toy, copy_of_the_toy, days_and_files, found, wanted

VERSION = "5.1" if pyspark.__version__.startswith("3.5") else "6.0"
DEPLOY = PROJECT / "deploy"
SILVER, GOLD = Path("s3/my-silver-bucket/silver"), Path("s3/my-gold-bucket/gold")
# What dbt-glue asks for and does without: the first makes the database, which the role does next; the second is
# `use None`, as it is in every session.
NOT_NEEDED = {"caller: glue:CreateDatabase catalog", "role: glue:GetDatabase database/none"}
# What nothing asks for here; deploy/README.md says of each why it stays.
ON_AWS_ALONE = {
    ("caller", "glue:ListStatements"),
    ("caller", "glue:CancelStatement"),
    ("role", "glue:BatchGetPartition"),
    ("role", "glue:BatchDeletePartition"),
    ("role", "s3:AbortMultipartUpload"),
    ("role", "s3:ListMultipartUploadParts"),
    ("role", "s3:GetBucketLocation"),
}
# Each statement of the policies: a command that fails without it, and what it is denied.
STATEMENTS = {
    "RunSessions": ("preflight", "caller: glue:GetSession session/silver-to-gold-"),
    "PassRole": ("preflight", "caller: iam:PassRole role/silver-to-gold-session"),
    "ReadCatalog": ("seed", "caller: glue:GetDatabases catalog"),
    "ListBuckets": ("preflight", "role: s3:ListBucket my-gold-bucket"),
    "ReadSilver": ("preflight", "role: s3:GetObject my-silver-bucket/silver/events"),
    "WriteGold": ("preflight", "role: s3:PutObject my-gold-bucket/gold/audit/.preflight/probe"),
    "OwnDatabases": ("seed", "role: glue:CreateDatabase database/gold"),
    "OwnTables": ("seed", "role: glue:GetTable catalog"),
    "LookUpDatabases": ("preflight", "role: glue:GetDatabase catalog"),
    "CreateDefaultDatabase": ("preflight", "role: glue:CreateDatabase database/default"),
    "WriteLogs": ("preflight", "role: logs:CreateLogGroup log-group:/aws-glue/sessions/output"),
}


@dataclass
class GlueWarehouse(Warehouse):
    """A warehouse in the endpoint's buckets; `silver` and `gold` are folders of the folders behind them."""

    url: str = ""

    @property
    def environ(self) -> dict[str, str]:
        return {
            **super().environ,
            **client_environ(self.url),
            "GLUE_VERSION": VERSION,
            "GLUE_SESSION_ID": f"silver-to-gold-{self.gold.name}",  # another name means parsing again
            "SILVER_BASE": f"s3://{self.silver.parent.name}/{self.silver.name}",
            "GOLD_BASE": f"s3://{self.gold.parent.name}/{self.gold.name}",
            "SILVER_SCHEMA": "silver",
            "GOLD_SCHEMA": "gold",
        }

    def dbt(self, *args: str, **options: Any) -> Outcome:
        """A dbt command that looks for the session by its name, as in a process of its own."""
        from dbt.adapters.glue.connections import GlueConnectionManager

        GlueConnectionManager.GLUE_CONNECTIONS_BY_KEY.clear()
        return super().dbt(*args, **options)

    def control(self, path: str, body: object = None) -> Any:
        """Ask the endpoint for the calls it had, or for a fault."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_control/{path}", data) as answer:
            return json.load(answer)

    @property
    def client(self) -> Any:
        return admin_client(self.url)

    def sql(self, *statements: str) -> None:
        """Run SQL in a session of an administrator."""
        glue, name = self.client, f"other-{len(self.sessions())}"
        role = client_environ(self.url)["GLUE_ROLE_ARN"]
        glue.create_session(Id=name, Role=role, Command={"Name": "glueetl", "PythonVersion": "3"})
        while glue.get_session(Id=name)["Session"]["Status"] == "PROVISIONING":
            time.sleep(0.1)
        code = "\n".join(f"spark.sql({text!r})" for text in statements)
        number = glue.run_statement(SessionId=name, Code=code)["Id"]
        found: dict[str, Any] = {"State": "WAITING"}
        while found["State"] in ("WAITING", "RUNNING"):
            time.sleep(0.1)
            found = glue.get_statement(SessionId=name, Id=number)["Statement"]
        glue.stop_session(Id=name)
        assert found["Output"]["Status"] == "ok", found

    def denied(self) -> set[str]:
        """What was asked for so far and not allowed."""
        asked = self.control("permissions")["permissions"]
        return {f"{request['principal']}: {told(request)}" for request in asked if not request["allowed"]}

    @contextmanager
    def permitted(self, policies: dict[str, Any]) -> Iterator[None]:
        """The endpoint with other policies than those that deploy/ ships."""
        self.control("permissions", policies)
        try:
            yield
        finally:
            self.control("permissions", iam.read(DEPLOY))

    def sessions(self) -> dict[str, str]:
        """The status of each session so far."""
        return {key: session["status"] for key, session in self.control("calls")["sessions"].items()}


def told(request: dict[str, Any]) -> str:
    """A request without what is the same in all of them: `glue:GetDatabase database/gold`."""
    return f"{request['action']} {request['resource'].split(':', 5)[-1]}"


@contextmanager
def endpoint(root: Path, policies: Path = DEPLOY, iceberg: Path | None = None) -> Iterator[str]:
    """The URL of a running endpoint with the policies of a folder; `iceberg`: iceberg_for_glue()."""
    (root / "s3").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "goldkit.glue_endpoint", "--root", str(root), "--policies", str(policies)]
    command += ["--iceberg", str(iceberg)] if iceberg else []
    settings = [item for key, value in SMALL.items() for item in ("--conf", f"{key}={value}")]
    with (root / "errors").open("w") as errors:
        server = subprocess.Popen(
            [*command, *settings], cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert server.stdout
        try:
            yield server.stdout.readline().split()[1]
        finally:
            server.terminate()
            server.wait(timeout=60)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("glue")


@pytest.fixture(scope="module")
def url(root: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A running endpoint, with Iceberg where a long test may take a snapshot."""
    long = any(item.get_closest_marker("long") for item in request.session.items)
    with endpoint(root, iceberg=iceberg_for_glue() if long else None) as url:
        yield url


@pytest.fixture(scope="module")
def lake(root: Path) -> Lake:
    lake = Lake(root / SILVER, random.Random(6))
    silver.eras(lake.root)
    return lake


@pytest.fixture(scope="module")
def gold(root: Path, lake: Lake, url: str, tmp_path_factory: pytest.TempPathFactory) -> GlueWarehouse:
    """Gold as its first run left it: seeds, models, and two tests; a glue-build below runs all."""
    folder = tmp_path_factory.mktemp("artefacts")
    warehouse = GlueWarehouse("glue", folder, lake.root, root / GOLD, url=url)
    built = ("resource_type:seed", "resource_type:model")
    tests = ("unique_fact_events_event_id", "unique_fact_transactions_tx_id")
    outcome = warehouse.dbt("build", "--indirect-selection", "empty", "--select", *built, *tests)
    assert_exact(warehouse, outcome)
    warned = {name for name, result in outcome.results.items() if str(result.status) == "warn"}
    assert warned == {*tests}
    kinds = [str(result.node.resource_type) for result in outcome.results.values()]
    assert (kinds.count("model"), kinds.count("seed")) == (12, 2)
    assert warehouse.denied() == NOT_NEEDED
    return warehouse


def assert_exact(warehouse: GlueWarehouse, outcome: Outcome) -> None:
    """A run went well, and Gold is what the oracle makes of Silver."""
    assert outcome.success, outcome.message
    wrong = check.inexact(warehouse.silver, warehouse.gold, outcome.started_at)
    assert not wrong, "\n".join(wrong)
    left = [warehouse.gold / path for path in check.leftovers(warehouse.gold)]
    # A database has an empty folder here, which S3 does not know.
    assert [path for path in left if path.is_file() or any(file.is_file() for file in path.rglob("*"))] == []


def update(warehouse: GlueWarehouse, *args: str, **variables: object) -> dict[str, set[str]]:
    """What a run that ends in an exact Gold rewrote."""
    before = check.files(warehouse.gold)
    assert_exact(warehouse, warehouse.dbt("run", *args, variables=variables))
    after = check.files(warehouse.gold)
    changed = {table: check.rewritten(before, after, table) for table in PATHS}
    return {table: partitions for table, partitions in changed.items() if partitions}


def test_second_run_rewrites_nothing_though_throttled(gold: GlueWarehouse) -> None:
    gold.control("reset", {})
    gold.control("faults", [{"kind": "throttle", "operation": "RunStatement", "nth": 5, "times": 3}])
    # dbt-glue takes an error for a database without tables, and for a table that is not there.
    for operation in ("GetTables", "GetTable"):
        denied = {"kind": "throttle", "operation": operation, "error": "AccessDeniedException", "times": 99}
        gold.control("faults", [denied])
    assert update(gold) == {}
    calls = gold.control("calls")
    gold.control("reset", {})
    assert calls["operations"]["RunStatement"] == len(calls["statements"]) + 3
    assert len(calls["statements"]) < 100  # three of the adapter's for each of ours


@pytest.mark.long
def test_unit_tests_run_through_the_adapter(gold: GlueWarehouse) -> None:
    outcome = gold.dbt("test", "--select", "user_ltv,test_type:unit")
    assert outcome.success and outcome.results, outcome.message


@pytest.mark.long
def test_changes_rewrite_what_they_touch(gold: GlueWarehouse, lake: Lake) -> None:
    # The first run has shown what becomes of these; the runs from here on are quicker without.
    for folder in lake.root.glob("*/eras"):
        shutil.rmtree(folder)
    late_rows(lake)
    users_changed(lake)
    gone, rejected = sorted(lake.days())[:2]
    for file in lake.files("events", "transactions"):
        if file.parent.name.endswith(f"={gone}"):
            lake.delete(file)
    for file in lake.files("events"):
        if file.parent.name.endswith(f"={rejected}"):
            lake.rewrite(file, lambda row: row | {"event_id": None})
    # Its path is a literal in SQL that dbt-glue pastes into Python.
    (late := lake.files("events")[-1]).rename(late.with_name("it's late.parquet"))
    before = check.partitions(gold.gold, "fact_events")
    changed = update(gold)
    dropped = {f"{gone}", f"{rejected}", "2024-02-28", "2024-02-29"}
    assert dropped < changed["fact_events"] < before
    assert check.partitions(gold.gold, "fact_events") == before - dropped


@pytest.mark.long
def test_rebuild_in_place_and_full_refresh(gold: GlueWarehouse) -> None:
    days = check.partitions(gold.gold, "fact_events")
    first = min(days)
    assert update(gold, rebuild=True, rebuild_from=first, rebuild_to=first)["fact_events"] == {first}
    changed = update(gold, "--full-refresh", "--select", "fact_events", "daily_revenue")
    assert changed.keys() == {"fact_events", "daily_revenue"}
    assert changed["fact_events"] == days


@pytest.mark.long
def test_gold_is_the_same_by_spark(gold: GlueWarehouse, new_warehouse: NewWarehouse) -> None:
    spark = new_warehouse(gold.silver)
    outcome = spark.build()
    assert outcome.success, outcome.message
    assert check.unlike(gold.gold, spark.gold) == []


@pytest.mark.long
@pytest.mark.usefixtures("artefacts")
def test_catalog_describes_every_column(gold: GlueWarehouse) -> None:
    """The Data Catalog does, for Athena and Redshift; of dbt's own, dbt-glue fills the part of one schema."""
    assert gold.dbt("docs", "generate").success
    manifest = json.loads((gold.target() / "manifest.json").read_text())
    for name in PATHS:
        described = manifest["nodes"][f"model.silver_to_gold.{name}"]["columns"]
        table = gold.client.get_table(DatabaseName="gold", Name=name)["Table"]
        columns = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
        assert {column["Name"]: column["Type"] for column in columns} == {
            key: column["data_type"] for key, column in described.items()
        }
        assert table["Description"] and all(column.get("Comment") for column in columns), name


def test_seeds_have_their_types_in_their_order(gold: GlueWarehouse) -> None:
    (file,) = (gold.gold / "seed" / "order_statuses").glob("*.parquet")
    schema = pq.read_schema(file)
    assert [(field.name, str(field.type)) for field in schema] == [
        ("status", "string"),
        ("is_delivered", "bool"),
        ("description", "string"),
    ]


@pytest.mark.long
def test_sql_that_breaks_the_contract_is_refused_on_later_runs(gold: GlueWarehouse, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    file = project / "models" / "mart" / "daily_revenue.sql"
    sql = file.read_text()
    file.write_text(sql.replace("decimal(28, 2)", "decimal(28, 3)"))
    before = check.files(gold.gold)
    outcome = replace(gold, project=project).dbt("run", "--select", "daily_revenue")
    assert not outcome.success
    assert "total_revenue decimal(28,2) in the contract, total_revenue decimal(28,3) here" in outcome.message
    assert check.files(gold.gold) == before


@dataclass
class PullRequest(GlueWarehouse):
    """Gold of a pull request, with the names of .github/workflows/glue.yml."""

    @property
    def environ(self) -> dict[str, str]:
        base = f"s3://my-gold-bucket/gold-of-pull-requests/{self.gold.name}"
        names = {"GOLD_SCHEMA": f"gold_pr_{self.gold.name}", "SILVER_SCHEMA": f"silver_pr_{self.gold.name}"}
        return {**super().environ, "GOLD_BASE": base, **names}


@pytest.mark.long
def test_a_pull_request_builds_from_a_copy(gold: GlueWarehouse, tmp_path: Path) -> None:
    """Only what the change makes stale is built, with the permissions that docs/how-to/pull-requests.md names."""
    page = (PROJECT / "docs" / "how-to" / "pull-requests.md").read_text()
    text = json.dumps(iam.read(DEPLOY))
    for old, new in re.findall(r"\| `([^`]*/gold|[^`]*/silver)`(?:, `[^`]*`)? \| `([^`]*)`", page):
        text = text.replace(f'{old}"', f'{new}"').replace(f"{old}/", f"{new}/")
    for name in ("gold", "silver"):
        text = text.replace(f"table/{name}/", f"table/{name}_pr_*/")
    assert "gold-of-pull-requests/*" in text and "database/silver_pr_*" in text and "my-gold-bucket/gold/" not in text
    project = copy_of_the_project(tmp_path)
    file = project / "models" / "mart" / "daily_revenue.sql"
    file.write_text(file.read_text().replace("status = 'delivered'", "status in ('delivered', 'paid')"))
    assert gold.build().success  # another test may have left tables for the next run
    copied = gold.gold.parent / "gold-of-pull-requests" / "7"
    shutil.copytree(gold.gold, copied, ignore=shutil.ignore_patterns("claims"))
    change = PullRequest("pr", tmp_path / "artefacts", gold.silver, copied, project=project, url=gold.url)
    before, as_copied = check.files(gold.gold), check.files(copied)
    with gold.permitted(json.loads(text)):
        outcome = change.dbt("build", "--exclude-resource-type", "snapshot", "--exclude-resource-type", "unit_test")
    assert outcome.success, outcome.message
    rewritten = {table for table in PATHS if check.rewritten(as_copied, check.files(copied), table)}
    assert rewritten == {"daily_revenue"}
    assert check.files(gold.gold) == before


@pytest.mark.long
def test_lake_formation_has_the_tags_of_the_configs(gold: GlueWarehouse, tmp_path: Path) -> None:
    """By dbt-glue's own call, though the table is up to date."""
    project = copy_of_the_project(tmp_path)
    guide = (PROJECT / "docs" / "how-to" / "personal-data.md").read_text()
    configs = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    (tags,) = [config for config in configs if "lf_tags_config" in config]
    file = project / "models" / "dim" / "_dim__models.yml"
    text = file.read_text()
    assert "  - name: dim_users\n    config:" not in text
    file.write_text(text.replace("  - name: dim_users\n", f"  - name: dim_users\n{indented(tags)}", 1))
    lake_formation = admin_client(gold.url, "lakeformation")
    lake_formation.create_lf_tag(TagKey="personal", TagValues=["yes"])
    # moto 5.2 fails at a question about a table that has no tag, which AWS answers.
    lake_formation.create_lf_tag(TagKey="layer", TagValues=["gold"])
    table = {"DatabaseName": "gold", "Name": "dim_users"}
    layer = {"TagKey": "layer", "TagValues": ["gold"]}
    lake_formation.add_lf_tags_to_resource(Resource={"Table": table}, LFTags=[layer])
    allowed = iam.read(DEPLOY)
    (actions,) = re.findall(r"`(lakeformation:[^`]*)`, which the caller", guide)
    may = {"Sid": "Tag", "Effect": "Allow", "Action": actions.split(", "), "Resource": "*"}
    caller = allowed["caller"]
    policies = allowed | {"caller": caller | {"Statement": [*caller["Statement"], may]}}
    with gold.permitted(policies):
        outcome = replace(gold, project=project).dbt("run", "--select", "dim_users")
    assert outcome.success, outcome.message
    columns = {"ColumnNames": pq.read_schema(next((gold.gold / "dim" / "dim_users").glob("*/*.parquet"))).names}
    found = lake_formation.get_resource_lf_tags(Resource={"TableWithColumns": table | columns})["LFTagsOnColumns"]
    assert {column["Name"] for column in found} == {"name", "email", "phone"}
    assert {tag["TagKey"] for column in found for tag in column["LFTags"]} == {"personal"}


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def test_session_has_the_settings_of_the_profile(gold: GlueWarehouse) -> None:
    known = gold.control("calls")["sessions"]
    name = next(key for key in known if key.startswith("silver-to-gold-"))
    # Settings of Iceberg's are ignored too where `url` started without it.
    ignored = {entry for entry in known[name]["ignored_conf"] if not entry.startswith("spark.sql.catalog.history")}
    assert ignored == {
        "spark.sql.warehouse.dir=s3://my-gold-bucket/gold/audit/.warehouse",
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    }
    session = gold.client.get_session(Id=name)["Session"]
    kept = ("GlueVersion", "WorkerType", "NumberOfWorkers", "IdleTimeout")
    assert [session.get(key) for key in kept] == [VERSION, "G.1X", 2, 10]
    assert session["DefaultArguments"]["--conf"].count("--conf") == 12
    assert session["DefaultArguments"]["--datalake-formats"] == "iceberg"


# --- Silver as crawlers leave it -----------------------------------------------------------------


@pytest.mark.long
def test_preflight_refuses_the_database_of_a_crawler(gold: GlueWarehouse) -> None:
    """A table of Hive's format has that name: Silver is registered from its files, in another database."""
    gold.sql(
        "create database crawled",
        "create external table crawled.events (event_id string) stored as parquet"
        " location 's3://my-silver-bucket/silver/events'",
    )
    with gold.permitted(iam.read(DEPLOY, {"database/silver": "database/crawled", "table/silver": "table/crawled"})):
        said, _ = (process := glue_build(gold, SILVER_SCHEMA="crawled")).communicate(timeout=600)
    assert process.returncode == 1
    assert "Name crawled.events: a table of format hive" in said
    assert "set SILVER_SCHEMA to a database of its own" in said


# --- sessions and the preflight --------------------------------------------------------------------


def glue_build(gold: GlueWarehouse, *args: str, **environ: str) -> subprocess.Popen[str]:
    """`make glue-build` without its set-up."""
    return started(gold, "glue-build", *args, **environ)


def started(gold: GlueWarehouse, *args: str, **environ: str) -> subprocess.Popen[str]:
    """A command of the project, on the endpoint."""
    shutil.copy(PROJECT / "profiles.yml.example", gold.folder / "profiles.yml")
    return subprocess.Popen(
        [sys.executable, "-m", "goldkit", *args],
        cwd=PROJECT,
        env={**os.environ, **gold.environ, "DBT_QUIET": "false", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.long
def test_session_is_stopped_at_the_end(gold: GlueWarehouse) -> None:
    before = set(gold.sessions())
    process = glue_build(gold, "--select", "dim_date")
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    new = {key: status for key, status in gold.sessions().items() if key not in before}
    assert len(new) == 1 and set(new.values()) <= {"STOPPING", "STOPPED"}, new
    assert re.search("ok: Gold s3://my-gold-bucket/gold: written, listed and deleted a file", said)


@pytest.mark.long
def test_doctor_asks_the_preflight(gold: GlueWarehouse) -> None:
    before = set(gold.sessions())
    said, _ = (process := started(gold, "doctor", "--target", "glue")).communicate(timeout=600)
    assert process.returncode == 0, said
    assert re.search(r"^ok       Credentials of arn:aws:", said, re.MULTILINE), said
    assert re.search("ok: Gold s3://my-gold-bucket/gold: written, listed and deleted a file", said)
    assert re.search(r"^ok       Preflight: ", said, re.MULTILINE), said
    new = {key: status for key, status in gold.sessions().items() if key not in before}
    assert len(new) == 1 and set(new.values()) <= {"STOPPING", "STOPPED"}, new


@pytest.mark.long
def test_session_is_stopped_when_the_run_is_ended(gold: GlueWarehouse) -> None:
    before = set(gold.sessions())
    process = glue_build(gold, "--select", "fact_events")
    assert process.stdout
    for line in process.stdout:
        if " START " in line:
            break
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 128 + signal.SIGTERM, said
    new = {key: status for key, status in gold.sessions().items() if key not in before}
    assert len(new) == 1 and set(new.values()) <= {"STOPPING", "STOPPED"}, new
    # Its claim is still there. To dbt alone the session may be at work; glue-build asks whether it is.
    outcome = gold.dbt("run", "--select", "dim_date")
    assert not outcome.success and "Another run is writing to s3://my-gold-bucket/gold: silver-" in outcome.message
    said, _ = (process := glue_build(gold, "--select", "dim_date")).communicate(timeout=600)
    assert process.returncode == 0 and "is over: its claim is given up" in said, said


@pytest.mark.long
def test_preflight_says_all_that_is_wrong_and_what_to_do(gold: GlueWarehouse) -> None:
    before = check.files(gold.gold)
    wrong = {"GLUE_ROLE_ARN": "", "GOLD_BASE": "/data/gold", "GLUE_VERSION": "4.0"}
    said, _ = (process := glue_build(gold, **wrong)).communicate(timeout=600)
    assert process.returncode == 1
    assert "nothing was touched" in said, said
    assert "GLUE_ROLE_ARN is '': set it to the role that sessions run as" in said
    assert "GOLD_BASE is /data/gold: a session sees no folder of this machine; set it to s3://bucket/prefix" in said
    assert "GLUE_VERSION is 4.0: the project is tested with 5.1" in said
    said, _ = (process := glue_build(gold, SILVER_BASE="s3://my-silver-bucket/silver/elsewhere")).communicate(
        timeout=600
    )
    assert process.returncode == 1
    assert "nothing was touched" in said and "Set SILVER_BASE to the folder above it" in said, said
    assert check.files(gold.gold) == before


@pytest.mark.long
def test_credentials_are_missed_by_name(gold: GlueWarehouse, tmp_path: Path) -> None:
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    said, _ = (process := glue_build(gold, **nothing, AWS_EC2_METADATA_DISABLED="true")).communicate(timeout=600)
    assert process.returncode and "credentials" in said.lower(), said


# --- permissions -----------------------------------------------------------------------------------


def without(policies: dict[str, Any], name: str) -> dict[str, Any]:
    """The policies less the statement of this name."""
    return {
        principal: policy | {"Statement": [given for given in policy["Statement"] if given["Sid"] != name]}
        for principal, policy in policies.items()
    }


@pytest.mark.long
def test_without_any_one_statement_a_build_is_denied_something(gold: GlueWarehouse) -> None:
    """By what was really asked for; test_a_statement_that_is_missed tries each of them for real."""
    asked = [
        iam.Request(given["principal"], given["action"], given["resource"], tuple(given["context"].items()))
        for given in gold.control("permissions")["permissions"]
        if given["allowed"]
    ]
    policies = iam.read(DEPLOY)
    for name in [statement["Sid"] for policy in policies.values() for statement in policy["Statement"]]:
        less = without(policies, name)
        assert any(not iam.allowed(less[request.principal], request) for request in asked), f"{name} is not needed"


@pytest.mark.long
@pytest.mark.skipif("GOLD_PERMISSIONS" not in os.environ, reason="a quarter of an hour: CONTRIBUTING, Tests")
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_that_is_missed(
    name: str, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first run in an account that has nothing yet, with the policies less one statement, fails for want of it."""
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    command, reason = STATEMENTS[name]
    for principal, policy in without(iam.read(DEPLOY), name).items():
        (tmp_path / f"{principal}-policy.json").write_text(json.dumps(policy))
    shutil.copytree(lake.root, tmp_path / SILVER)
    with endpoint(tmp_path, tmp_path) as url:
        warehouse = GlueWarehouse("glue", tmp_path / "dbt", tmp_path / SILVER, tmp_path / GOLD, url=url)
        run = warehouse.start(*(("run-operation", command) if command == "preflight" else (command,)))
        said, _ = run.communicate(timeout=600)
        assert any(request.startswith(reason) for request in warehouse.denied()), warehouse.denied()
    if name == "WriteLogs":  # without a log, a session runs all the same
        assert run.returncode == 0, said
    else:
        assert run.returncode, said
        said += (warehouse.folder / "logs" / "dbt.log").read_text()
        assert f"is not authorized to perform: {reason.split()[1]} on resource: " in said


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.long
def test_run_after_failed_runs_is_exact(gold: GlueWarehouse, lake: Lake) -> None:
    """A statement that fails, a session that dies: in the middle of an overwrite."""
    late_rows(lake)
    users_changed(lake)
    gold.control("reset", {})
    gold.control("faults", [{"kind": "fail", "match": "insert overwrite table .*fact_events"}])
    outcome = gold.dbt("run", "--select", "fact_events")
    assert not outcome.success and "injected fault" in outcome.message
    gold.control("reset", {})
    gold.control("faults", [{"kind": "kill", "match": "insert overwrite table .*fact_events"}])
    said, _ = (process := glue_build(gold, "--select", "fact_events")).communicate(timeout=600)
    assert process.returncode == 1 and "was lost: its logs in CloudWatch say why" in said, said
    gold.control("reset", {})
    # A run that is killed while it deletes leaves the folder in the trash.
    gold.sql("alter table gold.exact_trash add partition (folder='0') location 's3://my-gold-bucket/gold/audit/0'")
    # A log as an earlier version had it: the next run makes the table anew, over the same files.
    gold.sql(
        "drop table gold.exact_file_types",
        "create table gold.exact_file_types (source string, file_path string, file_size bigint,"
        " file_modified timestamp, types string, empty boolean) using parquet options (recursiveFileLookup true)"
        " location 's3://my-gold-bucket/gold/audit/file_types'",
    )
    started_at = Outcome.now()
    said, _ = (process := glue_build(gold)).communicate(timeout=900)
    assert process.returncode == 0 and "OK snapshotted gold.users_history" in said, said
    assert_exact(gold, Outcome(True, said, started_at))


# --- one writer ------------------------------------------------------------------------------------


@pytest.mark.long
def test_of_two_runs_at_once_one_is_refused_or_comes_later(gold: GlueWarehouse, lake: Lake, tmp_path: Path) -> None:
    for number in range(int(os.environ.get("GOLD_RACES", "1"))):
        late_rows(lake)
        started_at = Outcome.now()
        folders = (tmp_path / f"{number}-one", tmp_path / f"{number}-two")
        for folder in folders:
            folder.mkdir()
        runs = [glue_build(replace(gold, folder=folder)) for folder in folders]
        said = [run.communicate(timeout=900)[0] for run in runs]
        codes = [run.returncode for run in runs]
        assert 0 in codes, "\n".join(said)
        for code, text in zip(codes, said, strict=True):
            assert "is over" not in text and "did not end" not in text, text
            assert not code or "Another run is writing to" in text, text
        print(f"{number:3} {codes}", flush=True)
        assert_exact(gold, Outcome(True, "", started_at))


# --- the package, with models that are not ours ----------------------------------------------------


@dataclass
class GlueToy(GlueWarehouse, Toy):
    """The toy of packages/exact below Gold's bucket."""

    @property
    def environ(self) -> dict[str, str]:
        base = "s3://my-gold-bucket/gold/toy"
        return {**super().environ, "EXACT_BASE": base, "EXACT_SCHEMA": "toy", "DBT_TARGET": "glue"}


@pytest.mark.long
def test_package_builds_a_lake_of_others(gold: GlueWarehouse, tmp_path: Path) -> None:
    base = gold.gold / "toy"
    project = copy_of_the_toy(tmp_path / "project")
    toy = GlueToy("glue", tmp_path / "dbt", base / "lake", base / "tables", project, url=gold.url)
    schemas = {"gold": "toy", "silver": "toy_lake"}
    names = {
        f"{kind}/{ours}": f"{kind}/{theirs}" for kind in ("database", "table") for ours, theirs in schemas.items()
    }
    with gold.permitted(iam.read(DEPLOY, names)):
        for step in range(STEPS):
            toy.lake(step)
            before = days_and_files(toy.gold)
            outcome = toy.dbt("build")
            assert outcome.success, outcome.message
            assert found(toy.gold) == wanted(toy.silver)
            same = before.items() & days_and_files(toy.gold).items()
            assert bool(same) == (step in (1, 2, 3))
    shutil.rmtree(base)


# --- the end of the record -----------------------------------------------------------------------------


@pytest.mark.long
def test_each_action_was_asked_for_or_is_for_aws_alone(gold: GlueWarehouse) -> None:
    """After all that the tests above did; the few that stay are explained in deploy/README.md."""
    asked = {(given["principal"], given["action"]) for given in gold.control("permissions")["permissions"]}
    granted = {
        (principal, action)
        for principal, policy in iam.read(DEPLOY).items()
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert granted - asked == ON_AWS_ALONE
    table = (DEPLOY / "README.md").read_text().split("### Tried")[1]
    assert {action.split(":")[1] for _, action in ON_AWS_ALONE} <= {*re.findall(r"`(?:\w+:)?(\w+)`", table)}
