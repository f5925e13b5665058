"""The local AWS Glue keeps AWS's rules, and the real dbt-glue adapter builds a project on it.

The endpoint evaluates the permissions that deploy/ ships. Most tests are an administrator's, who may everything.

GLUE_ENDPOINT_PYTHON names another interpreter for the server: that is how both versions of PySpark
are tested.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from goldkit import iam
from goldkit.glue_endpoint import Fault

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
PYTHON = os.environ.get("GLUE_ENDPOINT_PYTHON", sys.executable)
ROLE = "arn:aws:iam::123456789012:role/silver-to-gold-session"
AWS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-west-1"}

Run = Callable[[str], dict[str, Any]]


def command(root: Path, *options: str) -> list[str]:
    return [PYTHON, "-m", "goldkit.glue_endpoint", "--root", str(root), *options]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("glue")


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    """A running endpoint whose minutes last a second. It says one line, and ends on SIGTERM."""
    options = ["--minute", "1", "--provisioning-seconds", "0.3", "--policies", str(DEPLOY)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    server = subprocess.Popen(command(root, *options), cwd=PROJECT, **pipes)
    assert server.stdout
    line = server.stdout.readline()
    listening = re.fullmatch(r"listening (http://127\.0\.0\.1:\d+)\n", line)
    assert listening, server.communicate()
    yield listening[1]
    server.terminate()
    assert server.communicate(timeout=60) == ("", "")
    assert server.returncode == 0


def client(url: str, service: str, key: str = iam.ADMIN, **config: Any) -> Any:
    keys = {"aws_access_key_id": key, "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    return boto3.client(service, endpoint_url=url, config=Config(**config), **keys)


def control(url: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}/_control/{path}", data) as answer:
        return json.load(answer)


@pytest.fixture
def glue(url: str) -> Iterator[Any]:
    """A Glue client that does not repeat what is refused, and a clean record of calls."""
    control(url, "reset", {})
    glue = client(url, "glue", retries={"total_max_attempts": 1})
    yield glue
    for session in glue.list_sessions()["Ids"]:
        glue.delete_session(Id=session)


def create(glue: Any, name: str = "s", **more: Any) -> dict[str, Any]:
    command = {"Name": "glueetl", "PythonVersion": "3"}
    created = glue.create_session(Id=name, Role=ROLE, Command=command, **more)
    return dict(created["Session"])


def until(glue: Any, status: str, name: str = "s") -> None:
    for _ in range(100):
        if glue.get_session(Id=name)["Session"]["Status"] == status:
            return
        time.sleep(0.1)
    pytest.fail(f"session {name} does not become {status}")


@pytest.fixture
def run(glue: Any) -> Run:
    """Run code in a session that is READY; returns the statement when it is done."""
    create(glue)
    until(glue, "READY")
    return lambda code: run_in(glue, "s", code)


def run_in(glue: Any, session: str, code: str) -> dict[str, Any]:
    number = glue.run_statement(SessionId=session, Code=code)["Id"]
    return dict(glue.get_statement(SessionId=session, Id=number)["Statement"])


def printed(statement: dict[str, Any]) -> str:
    assert statement["Output"]["Status"] == "ok", statement["Output"]
    return str(statement["Output"]["Data"]["TextPlain"])


def refusal(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def post(url: str, operation: str, body: str, signed: bool = True) -> tuple[int, str, Any]:
    """A request as it goes over the wire: status, x-amzn-ErrorType and body of the answer."""
    headers = {"X-Amz-Target": f"AWSGlue.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", url, headers, body)
    if signed:
        SigV4Auth(Credentials(iam.ADMIN, "b"), "glue", "eu-west-1").add_auth(request)
    wire = urllib.request.Request(url, body.encode(), dict(request.headers))
    with suppress(urllib.error.HTTPError):
        return 200, "", json.load(urllib.request.urlopen(wire))
    try:
        urllib.request.urlopen(wire)
    except urllib.error.HTTPError as error:
        return error.code, error.headers["x-amzn-ErrorType"], json.load(error)
    raise AssertionError


# --- sessions ----------------------------------------------------------------------------------


def test_a_session_is_provisioned_then_ready_then_stopped(glue: Any) -> None:
    assert create(glue)["Status"] == "PROVISIONING"
    until(glue, "READY")
    session = glue.get_session(Id="s")["Session"]
    assert (session["Role"], session["Command"]["Name"]) == (ROLE, "glueetl")
    glue.stop_session(Id="s")
    until(glue, "STOPPED")
    assert refusal(glue.stop_session, Id="s") == "IllegalSessionStateException"
    glue.delete_session(Id="s")
    assert refusal(glue.get_session, Id="s") == "EntityNotFoundException"


def test_a_session_id_is_taken_until_it_is_deleted(glue: Any) -> None:
    create(glue)
    assert refusal(create, glue=glue) == "AlreadyExistsException"
    assert refusal(create, glue=glue, Timeout=5) == "IdempotentParameterMismatchException"
    glue.delete_session(Id="s")
    create(glue)


def test_statements_need_a_ready_session(glue: Any) -> None:
    create(glue)
    assert refusal(run_in, glue=glue, session="s", code="1") == "IllegalSessionStateException"
    until(glue, "READY")
    run_in(glue, "s", "1")
    glue.stop_session(Id="s")
    assert refusal(glue.get_statement, SessionId="s", Id=1) == "IllegalSessionStateException"
    assert refusal(glue.list_statements, SessionId="s") == "IllegalSessionStateException"
    assert refusal(glue.list_statements, SessionId="none") == "EntityNotFoundException"


def test_an_idle_session_times_out_and_a_busy_one_does_not(glue: Any) -> None:
    create(glue, IdleTimeout=2)
    until(glue, "READY")
    assert printed(run_in(glue, "s", "import time; time.sleep(3); 'done'")) == "'done'\n"
    until(glue, "TIMEOUT")
    assert refusal(run_in, glue=glue, session="s", code="1") == "IllegalSessionStateException"


@pytest.mark.long
def test_two_sessions_share_the_catalog_but_no_views_settings_or_variables(glue: Any) -> None:
    for name, mode in (("a", "dynamic"), ("b", "static")):
        create(glue, name, DefaultArguments={"--conf": f"spark.x=1 --conf spark.mode={mode}"})
    until(glue, "READY", "a")
    until(glue, "READY", "b")
    printed(run_in(glue, "a", "spark.range(3).createOrReplaceTempView('mine'); x = 1"))
    printed(run_in(glue, "a", "spark.sql('create database if not exists shared')"))
    assert printed(run_in(glue, "a", "spark.table('mine').count(), x")) == "(3, 1)\n"
    assert run_in(glue, "b", "spark.table('mine')")["Output"]["ErrorName"] == "AnalysisException"
    assert run_in(glue, "b", "x")["Output"]["ErrorName"] == "NameError"
    assert "shared" in printed(run_in(glue, "b", "spark.sql('show databases').show()"))
    assert printed(run_in(glue, "b", "spark.conf.get('spark.mode')")) == "'static'\n"


def test_hadoop_settings_lose_their_prefix(glue: Any) -> None:
    create(glue, DefaultArguments={"--conf": "spark.hadoop.some.thing=7"})
    until(glue, "READY")
    code = "spark._jsparkSession.sessionState().newHadoopConf().get('some.thing')"
    assert printed(run_in(glue, "s", code)) == "'7'\n"


def test_static_settings_are_reported_not_applied(glue: Any, url: str) -> None:
    create(glue, DefaultArguments={"--conf": "spark.sql.warehouse.dir=/x --conf spark.y=2"})
    until(glue, "READY")
    ignored = control(url, "calls")["sessions"]["s"]["ignored_conf"]
    assert ignored == ["spark.sql.warehouse.dir=/x"]


def test_without_the_format_there_is_no_iceberg(glue: Any, url: str) -> None:
    conf = "spark.sql.catalog.history=org.apache.iceberg.spark.SparkCatalog"
    create(glue, DefaultArguments={"--conf": conf})
    until(glue, "READY")
    assert control(url, "calls")["sessions"]["s"]["ignored_conf"] == [conf]


# --- statements --------------------------------------------------------------------------------


def test_code_runs_as_a_cell(run: Run) -> None:
    """All but the last expression is executed; that one's value is printed, unless it is None."""
    assert printed(run("x = 20\nprint('out')\nx + 1\nx + 2")) == "out\n22\n"
    assert printed(run("print(x)")) == "20\n"
    assert printed(run("'text'")) == "'text'\n"
    assert printed(run("y = 1")) == ""
    assert "|  7|" in printed(run("spark.sql('select 7 as n').show()"))


def test_a_failing_statement_is_available_with_an_error(run: Run) -> None:
    statement = run("def f():\n    return 1 / 0\nprint('lost')\nf()")
    output = statement["Output"]
    assert statement["State"] == "AVAILABLE"
    assert (output["Status"], output["ErrorName"]) == ("error", "ZeroDivisionError")
    assert output["ErrorValue"] == "division by zero"
    assert any('File "<cell>", line 2, in f' in line for line in output["Traceback"])
    assert run("exit(3)")["Output"]["ErrorName"] == "SystemExit"
    assert run("no code")["Output"]["ErrorName"] == "SyntaxError"
    assert printed(run("'still here'")) == "'still here'\n"


def test_code_that_asks_spark_for_a_session_gets_its_own(run: Run) -> None:
    asks = (
        "from awsglue.context import GlueContext\nfrom pyspark.sql import SparkSession\n"
        "found = SparkSession.builder.config('spark.z', '9').getOrCreate()\n"
        "spark.createDataFrame([{'n': 1}]).collect()\n"
        "found is spark, SparkSession.getActiveSession() is spark, spark.conf.get('spark.z'), "
        "GlueContext(sc).spark_session is spark"
    )
    assert printed(run(asks)) == "(True, True, '9', True)\n"


@pytest.mark.long
def test_a_running_statement_can_be_cancelled(run: Run, glue: Any) -> None:
    slow = "spark.range(10**12).selectExpr('sum(hash(id))').collect()"
    running = glue.run_statement(SessionId="s", Code=slow)["Id"]
    waiting = glue.run_statement(SessionId="s", Code="1")["Id"]
    time.sleep(1)
    for number in (waiting, running):
        glue.cancel_statement(SessionId="s", Id=number)
        answer = glue.get_statement(SessionId="s", Id=number)
        assert answer["Statement"]["State"] == "CANCELLED"
    assert printed(run("2")) == "2\n"
    assert len(glue.list_statements(SessionId="s")["Statements"]) == 3


# --- what AWS refuses --------------------------------------------------------------------------


def test_what_the_service_model_does_not_allow_is_refused(url: str, glue: Any) -> None:
    good = {"Id": "s", "Role": ROLE, "Command": {"Name": "glueetl"}}
    for wrong in (
        {"Unknown": 1},
        {"Command": {"Name": "glueetl", "Nope": 1}},
        {"Role": "not an arn of a role"},
        {"WorkerType": "G.3X"},
        {"Timeout": 0},
        {"Id": "x" * 256},
        {"Id": 5},
    ):
        status, kind, _ = post(url, "CreateSession", json.dumps(good | wrong))
        assert (status, kind) == (400, "ValidationException"), wrong
    assert post(url, "CreateSession", '{"Id": "s"}')[1] == "ValidationException"
    assert post(url, "CreateSession", "{")[1] == "SerializationException"
    assert post(url, "MakeSession", "{}")[1] == "UnknownOperationException"
    assert post(url, "UpdateDatabase", '{"DatabaseName": "x"}')[1] == "OperationNotSupportedException"
    assert refusal(create, glue=glue, MaxCapacity=2.0, WorkerType="G.1X") == "InvalidInputException"
    assert glue.list_sessions()["Ids"] == []


def test_code_may_have_68000_characters(run: Run, glue: Any) -> None:
    assert printed(run(f"'{'x' * 67_000}'[:1]")) == "'x'\n"
    longer = "#" * 68_001
    assert refusal(glue.run_statement, SessionId="s", Code=longer) == "ValidationException"


def test_a_request_without_a_signature_is_refused(url: str) -> None:
    status, kind, body = post(url, "GetDatabases", "{}", signed=False)
    assert (status, kind) == (400, "MissingAuthenticationTokenException")
    assert body["__type"] == kind


def test_what_is_absent_is_an_entity_not_found(url: str, glue: Any) -> None:
    wanted = {"DatabaseName": "default", "Name": "absent"}
    status, kind, body = post(url, "GetTable", json.dumps(wanted))
    assert (status, kind) == (400, "EntityNotFoundException")
    assert body == {"__type": kind, "Message": "Entity Not Found: default.absent"}
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_tables(DatabaseName="absent")


# --- catalog and files -------------------------------------------------------------------------


@pytest.mark.long
def test_s3_is_a_folder_for_sql_catalog_and_python_alike(run: Run, glue: Any, root: Path) -> None:
    glue.create_database(DatabaseInput={"Name": "Lake", "LocationUri": "s3://lake-1/db/"})
    assert refusal(glue.create_database, DatabaseInput={"Name": "lake"}) == "AlreadyExistsException"
    assert glue.get_database(Name="lake")["Database"]["LocationUri"] == "s3://lake-1/db"
    table = (
        "create table lake.t (id bigint comment 'the id', amount decimal(18,2), day date) using "
        "parquet partitioned by (day) location 's3://lake-1/gold/t' comment 'one row'"
    )
    printed(run(f'spark.sql("""{table}""")'))
    printed(run("spark.sql(\"insert into lake.t values (1, 2.5, date'2024-01-02')\")"))
    files = [*(root / "s3/lake-1/gold/t").rglob("*.parquet")]
    assert [file.parent.name for file in files] == ["day=2024-01-02"]
    path = printed(run("spark.sql('select _metadata.file_path from lake.t').first()[0]"))
    assert path == f"'s3://lake-1/gold/t/day=2024-01-02/{files[0].name}'\n"
    assert printed(run("spark.read.parquet('s3a://lake-1/gold/t').count()")) == "1\n"

    found = glue.get_table(DatabaseName="LAKE", Name="T")["Table"]
    assert (found["TableType"], found["Description"]) == ("EXTERNAL_TABLE", "one row")
    assert found["Parameters"]["spark.sql.sources.provider"] == "parquet"
    assert found["PartitionKeys"] == [{"Name": "day", "Type": "date"}]
    assert found["StorageDescriptor"] == {
        "Columns": [
            {"Name": "id", "Type": "bigint", "Comment": "the id"},
            {"Name": "amount", "Type": "decimal(18,2)"},
        ],
        "Location": "s3://lake-1/gold/t",
    }
    partitions = glue.get_partitions(DatabaseName="lake", TableName="t")["Partitions"]
    assert [partition["Values"] for partition in partitions] == [["2024-01-02"]]
    place = partitions[0]["StorageDescriptor"]["Location"]
    assert place == "s3://lake-1/gold/t/day=2024-01-02"

    glue.delete_table(DatabaseName="lake", Name="t")
    assert files[0].exists()
    glue.delete_database(Name="lake")
    assert refusal(glue.get_database, Name="lake") == "EntityNotFoundException"


def test_local_paths_in_errors_are_told_as_s3(run: Run, root: Path) -> None:
    lost = run(f"open('{root}/s3/lake-1/lost')")["Output"]
    assert lost["ErrorValue"] == "[Errno 2] No such file or directory: 's3://lake-1/lost'"
    assert str(root) not in json.dumps(lost)


def test_a_table_of_another_engine_is_replaced_by_who_has_seen_it_last(run: Run, glue: Any) -> None:
    """As Iceberg commits: with the version that it read."""
    glue.create_database(DatabaseInput={"Name": "lake"})
    storage = {"Columns": [{"Name": "id", "Type": "int"}], "Location": "s3://bucket-of-ice/t"}
    table = {"Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    known = {"Name": "t", "DatabaseName": "lake"}
    for number in ("0", "1"):
        given = table | {"Parameters": {"table_type": "ICEBERG", "metadata_location": number}}
        if number == "0":
            glue.create_table(DatabaseName="lake", TableInput=given)
            assert refusal(glue.create_table, DatabaseName="lake", TableInput=given) == "AlreadyExistsException"
        else:
            glue.update_table(DatabaseName="lake", TableInput=given, VersionId="0", SkipArchive=True)
        found = glue.get_table(**known)["Table"]
        assert (found["VersionId"], found["Parameters"]["metadata_location"]) == (number, number)
    stale = {"DatabaseName": "lake", "TableInput": given, "VersionId": "0"}
    assert refusal(glue.update_table, **stale) == "ConcurrentModificationException"
    assert printed(run("spark.sql('show tables in lake').first().tableName")) == "'t'\n"
    assert run("spark.sql('select * from lake.t').collect()")["Output"]["Status"] == "error"  # only Iceberg can
    glue.delete_database(Name="lake")


@pytest.mark.long
def test_lists_come_in_pages(run: Run, glue: Any) -> None:
    printed(run("spark.sql('create database pages')"))
    printed(run("[spark.sql(f'create view pages.v{n} as select 1') for n in range(5)] and None"))
    first = glue.get_tables(DatabaseName="pages", MaxResults=2)
    assert [table["Name"] for table in first["TableList"]] == ["v0", "v1"]
    pages = glue.get_paginator("get_tables").paginate(
        DatabaseName="pages", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["TableList"]) for page in pages] == [2, 2, 1]
    named = glue.get_tables(DatabaseName="pages", Expression="v[34]")["TableList"]
    assert {(table["Name"], table["TableType"]) for table in named} == {
        ("v3", "VIRTUAL_VIEW"),
        ("v4", "VIRTUAL_VIEW"),
    }
    assert refusal(glue.get_databases, NextToken="?") == "InvalidInputException"
    create(glue, "t", Tags={"run": "1"})
    assert glue.list_sessions(Tags={"run": "1"})["Ids"] == ["t"]


def test_moto_answers_for_other_services(url: str) -> None:
    assert client(url, "sts").get_caller_identity()["Account"] == "123456789012"
    assert client(url, "lakeformation").batch_grant_permissions(Entries=[])["Failures"] == []
    place = {"LocationConstraint": "eu-west-1"}
    client(url, "s3").create_bucket(Bucket="objects", CreateBucketConfiguration=place)
    assert client(url, "glue").get_crawlers()["Crawlers"] == []


# --- permissions -------------------------------------------------------------------------------

CALLER = "arn:aws:sts::123456789012:user/moto"
SESSION = "arn:aws:sts::123456789012:assumed-role/silver-to-gold-session/GlueJobRunnerSession"


@pytest.fixture
def caller(url: str, glue: Any) -> Any:
    """A Glue client that may what caller-policy.json allows."""
    control(url, "permissions", iam.read(DEPLOY))
    return client(url, "glue", "caller", retries={"total_max_attempts": 1})


@pytest.fixture
def run_as_role(caller: Any, glue: Any) -> Run:
    """Run code in a session that may what role-policy.json allows."""
    name = "silver-to-gold-1"
    create(caller, name)
    until(caller, "READY", name)
    return lambda code: run_in(caller, name, code)


def denial(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(refused.value.response["Error"]["Message"])


def test_a_caller_is_denied_what_his_policy_does_not_allow(caller: Any, url: str) -> None:
    arn = "arn:aws:glue:eu-west-1:123456789012"
    assert denial(create, glue=caller, name="other") == (
        f"User: {CALLER} is not authorized to perform: glue:CreateSession on resource: {arn}:session/other"
        " because no identity-based policy allows the glue:CreateSession action"
    )
    assert f"glue:TagResource on resource: {arn}:session/silver-to-gold-1" in denial(
        create, glue=caller, name="silver-to-gold-1", Tags={"a": "b"}
    )
    command = {"Name": "glueetl"}
    assert f"iam:PassRole on resource: {ROLE}2" in denial(
        caller.create_session, Id="silver-to-gold-1", Role=f"{ROLE}2", Command=command
    )
    assert f"glue:GetTable on resource: {arn}:database/other" in denial(
        caller.get_table, DatabaseName="Other", Name="t"
    )
    assert f"glue:CreateDatabase on resource: {arn}:catalog" in denial(
        caller.create_database, DatabaseInput={"Name": "gold"}
    )
    grant = client(url, "lakeformation", "caller").batch_grant_permissions
    assert "lakeformation:BatchGrantPermissions on resource: *" in denial(grant, Entries=[])
    assert client(url, "sts", "caller").get_caller_identity()["Arn"] == CALLER
    # What is not there is said only to who may look.
    assert refusal(caller.get_table, DatabaseName="gold", Name="t") == "EntityNotFoundException"


def test_a_session_is_denied_what_its_role_may_not_do_to_the_catalog(run_as_role: Run) -> None:
    printed(run_as_role("spark.sql('create database if not exists gold')"))
    output = run_as_role("spark.sql('create database elsewhere')")["Output"]
    assert output["ErrorName"] == "AnalysisException"
    assert (
        f"MetaException(message:User: {SESSION} is not authorized to perform: glue:GetDatabase on resource:"
        " arn:aws:glue:eu-west-1:123456789012:database/elsewhere because no identity-based policy allows the"
        " glue:GetDatabase action (Service: AWSGlue; Status Code: 400; Error Code: AccessDeniedException))"
    ) in output["ErrorValue"]
    assert "glue:GetDatabase" in run_as_role("spark.table('elsewhere.t')")["Output"]["ErrorValue"]


@pytest.mark.parametrize(
    ("code", "action", "key"),
    [
        ("spark.range(1).write.parquet('s3://my-gold-bucket/other')", "GetObject", "my-gold-bucket/other"),
        ("spark.read.parquet('s3a://my-silver-bucket/silver2')", "GetObject", "my-silver-bucket/silver2"),
        ("spark.range(1).write.parquet('s3://my-silver-bucket/silver/x')", "PutObject", "my-silver-bucket/silver/x/"),
        ("spark.read.text('s3://lake-1')", "ListBucket", "lake-1"),
    ],
)
def test_a_session_is_denied_what_its_role_may_not_do_in_s3(
    run_as_role: Run, code: str, action: str, key: str
) -> None:
    said = json.dumps(run_as_role(code)["Output"])
    assert "AccessDeniedException: s3" in said
    assert f'User: {SESSION} is not authorized to perform: s3:{action} on resource: \\"arn:aws:s3:::{key}' in said
    assert "(Service: S3, Status Code: 403)" in said


@pytest.mark.long
def test_tasks_are_their_sessions_work(run_as_role: Run, run: Run) -> None:
    """Files are read and written by other threads than the one that runs a statement."""
    run("spark.range(8, numPartitions=2).write.mode('overwrite').parquet('s3://my-silver-bucket/silver2')")
    opened = "spark.read.schema('id long').parquet('s3://my-silver-bucket/silver2').count()"
    code = f"import pyspark.sql.functions as f; {opened}"
    assert printed(run(opened)) == "8\n"
    assert "s3:GetObject" in json.dumps(run_as_role(code)["Output"])


def test_other_policies_hold_from_the_next_call_on(caller: Any, run_as_role: Run, url: str) -> None:
    look = "spark.catalog.databaseExists('gold')"
    printed(run_as_role(look))
    nothing = {"Version": "2012-10-17", "Statement": []}
    control(url, "permissions", {"role": nothing})
    assert "glue:GetDatabase" in run_as_role(look)["Output"]["ErrorValue"]
    control(url, "permissions", {"caller": nothing})
    assert "glue:GetDatabases" in denial(caller.get_databases)
    control(url, "permissions", iam.read(DEPLOY))
    assert caller.get_databases()["DatabaseList"]
    asked = [(r["principal"], r["action"], r["allowed"]) for r in control(url, "permissions")["permissions"]]
    assert ("caller", "iam:PassRole", True) in asked


def test_a_policy_that_moto_does_not_evaluate_is_refused(url: str) -> None:
    statement = {"Effect": "Allow", "Action": "glue:*", "Resource": "*"}
    for wrong in (
        {"Condition": {"StringLike": {"aws:PrincipalArn": "*"}}},
        {"NotResource": "arn:aws:s3:::other/*"},
        {"Resource": "arn:aws:s3:::bucket/${aws:username}/*"},
    ):
        with pytest.raises(urllib.error.HTTPError):
            control(url, "permissions", {"role": {"Statement": [statement | wrong]}})


# --- faults ------------------------------------------------------------------------------------


def test_the_next_calls_of_an_operation_can_be_throttled(glue: Any, url: str) -> None:
    control(url, "faults", {"kind": "throttle", "operation": "GetDatabases", "times": 2})
    assert refusal(glue.get_databases) == "ThrottlingException"
    assert client(url, "glue").get_databases()["DatabaseList"]  # repeats what is throttled
    assert control(url, "calls")["operations"]["GetDatabases"] == 3


def test_a_call_can_be_denied(glue: Any, url: str) -> None:
    denied = {"kind": "throttle", "operation": "GetTables", "error": "AccessDeniedException"}
    control(url, "faults", denied)
    assert refusal(glue.get_tables, DatabaseName="default") == "AccessDeniedException"


def test_the_nth_statement_can_kill_its_session(run: Run, glue: Any, url: str) -> None:
    control(url, "faults", [{"kind": "kill", "match": "select", "nth": 2}])
    printed(run("spark.sql('select 1')"))
    printed(run("'no sql'"))
    lost = glue.run_statement(SessionId="s", Code="spark.sql('select 2')")["Id"]
    assert refusal(glue.get_statement, SessionId="s", Id=lost) == "IllegalSessionStateException"
    session = glue.get_session(Id="s")["Session"]
    assert (session["Status"], session["ErrorMessage"]) == ("FAILED", "injected fault")
    assert [s["status"] for s in control(url, "calls")["statements"]] == ["ok", "ok", "WAITING"]


def test_a_statement_can_be_made_to_fail_by_its_sql(run: Run, url: str) -> None:
    control(url, "faults", {"kind": "fail", "match": "insert.*gold", "message": "disk full"})
    printed(run("spark.sql('select 1')"))
    output = run("spark.sql('''INSERT overwrite\\n gold.t select 1''')")["Output"]
    assert (output["ErrorName"], output["ErrorValue"]) == ("AnalysisException", "disk full")
    record = control(url, "calls")["statements"][-1]
    assert record["sql"] == "INSERT overwrite\n gold.t select 1"
    assert (record["status"], record["seconds"] >= 0) == ("error", True)


def test_a_fault_counts_only_what_it_matches() -> None:
    fault = Fault("fail", match="x", nth=2, times=2)
    assert [fault.strikes(sql) for sql in ("x", "y", "X", "x", "x")] == [
        False,
        False,
        True,
        True,
        False,
    ]
    for wrong in ({"kind": "burn"}, {"kind": "kill", "status": "READY"}, {"operation": "Nope"}):
        with pytest.raises(ValueError, match="no such fault"):
            Fault(**{"kind": "fail", **wrong})  # type: ignore[arg-type]


# --- the server and the adapter ----------------------------------------------------------------


@pytest.mark.long
def test_a_second_endpoint_on_the_same_root_is_refused(url: str, root: Path) -> None:
    second = subprocess.run(command(root), cwd=PROJECT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"{root} is in use by another endpoint" in second.stderr


DBT_PROJECT = {
    "dbt_project.yml": """
        {name: probe, profile: probe, flags: {send_anonymous_usage_stats: false},
         seeds: {+column_types: {code: string, share: 'decimal(5,2)', since: date}}}""",
    "profiles.yml": """
        probe:
          target: glue
          outputs:
            glue:
              {type: glue, role_arn: 'arn:aws:iam::123456789012:role/silver-to-gold-session', region: eu-west-1,
               workers: 2, worker_type: G.1X, schema: probe, location: 's3://lake-2/gold',
               session_provisioning_timeout_in_seconds: 60, glue_session_id: probe,
               glue_session_reuse: true, enable_spark_seed_casting: true, threads: 1,
               conf: spark.sql.sources.partitionOverwriteMode=dynamic --conf
                 spark.sql.legacy.allowNonEmptyLocationInCTAS=true}""",
    "seeds/countries.csv": "code,share,since\nDE,1.25,1990-10-03\nFR,,1958-10-04\n",
    "models/dims.sql": """
        {{ config(materialized='table') }} select code, share, since from {{ ref('countries') }}""",
    "models/facts.sql": """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite',
                  partition_by=['day']) }}
        select code, cast(1.5 as decimal(18, 2)) as amount, day from {{ ref('dims') }}
        cross join (select explode(array({{ "date'2024-01-01'," if not is_incremental() }}
                                         date'2024-01-02')) as day)""",
    "models/models.yml": """
        models:
          - name: facts
            columns:
              - {name: day, data_tests: [not_null]}
              - {name: code, data_tests: [{relationships: {arguments: {to: ref('dims'),
                                                                       field: code}}}]}""",
}


@pytest.mark.long
def test_the_real_adapter_builds_a_project(url: str, glue: Any, tmp_path: Path, root: Path) -> None:
    for name, text in DBT_PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    # The permissions of deploy/ for this project: its database is there, as the template makes it.
    names = {"my-gold-bucket/gold": "lake-2/gold", "session/silver-to-gold-": "session/"}
    names |= {f"{kind}/gold": f"{kind}/probe" for kind in ("database", "table")}
    control(url, "permissions", iam.read(DEPLOY, names | {":::my-gold-bucket": ":::lake-2"}))
    glue.create_database(DatabaseInput={"Name": "probe", "LocationUri": "s3://lake-2/gold/probe"})

    def dbt(*arguments: str) -> None:
        control(url, "reset", {})
        environ = {**os.environ, **AWS, "AWS_ENDPOINT_URL": url, "DBT_PROFILES_DIR": str(tmp_path)}
        program = [str(Path(sys.executable).with_name("dbt")), *arguments]
        done = subprocess.run(
            program, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout

    dbt("build")
    assert control(url, "calls")["operations"]["CreateSession"] == 1
    dbt("build")
    days = sorted(folder.name for folder in (root / "s3/lake-2/gold/probe/facts").glob("day=*"))
    assert days == ["day=2024-01-01", "day=2024-01-02"]
    rows = run_in(glue, "probe", "spark.table('probe.facts').count()")
    assert printed(rows) == "4\n"

    dbt("run", "--select", "facts")
    sqls = [statement["sql"] for statement in control(url, "calls")["statements"]]
    assert len(sqls) == 12  # four queries, each with the boot code and `use None` before it
    assert sum("insert overwrite table probe.facts" in sql for sql in sqls) == 1

    dbt("docs", "generate")
    catalog = json.loads((tmp_path / "target/catalog.json").read_text())
    columns = catalog["nodes"]["model.probe.facts"]["columns"]
    assert {name: column["type"] for name, column in columns.items()} == {
        "code": "string",
        "amount": "decimal(18,2)",
        "day": "date",
    }
