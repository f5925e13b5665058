"""Gold in S3 is what it is on a disk, by hadoop-aws, in each step of its life: docs/storage.md.

Guards against what S3 does otherwise: renames that are copies, two times of one object, folders that are not there.
S3 is moto's, on this machine.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from typer.testing import CliRunner
from werkzeug.wrappers import Response

from goldkit import cli, environment, report
from goldkit.changes import DAYS, Lake
from goldkit.compare import PATHS
from goldkit.dbt import BUILD, Outcome, Warehouse
from goldkit.environment import SetupError

from .conftest import assert_exact, session
from .test_incremental import days_of

GOLD = "s3a://lake/token, gold"  # Spark hides values that contain `token`, and a comma ends one where it lists them.


class S3:
    """An S3 with the bucket `lake`, and who hears of each copy in it.

    Like MinIO's, its listings have milliseconds, and its answers about one object whole seconds.
    """

    def __init__(self) -> None:
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.heard: Callable[[str], object] = str
        app = self.server._server.app

        def hear(request: dict[str, Any], start: Any) -> object:
            if "HTTP_X_AMZ_COPY_SOURCE" in request:
                self.heard(request["PATH_INFO"])
            response = Response.from_app(app, request)
            if "list-type=2" in request["QUERY_STRING"]:
                response.data = re.sub(rb"([.]000)?Z</LastModified>", b".821Z</LastModified>", response.data)
            return response(request, start)

        self.server._server.app = hear


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """An S3 at which the environment points."""
    running = S3()
    host, port = running.server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3").create_bucket(Bucket="lake")
    yield running
    running.server.stop()


def objects(prefix: str) -> dict[str, tuple[str, object]]:
    """Hash and time of each object, by its key below the prefix."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix=f"{prefix}/")
    found = [entry for page in pages for entry in page.get("Contents", [])]
    return {entry["Key"][len(prefix) + 1 :]: (entry["ETag"], entry["LastModified"]) for entry in found}


class OnS3(Warehouse):
    """A warehouse in S3: `silver` is delivered to s3://lake/silver, and `gold` a copy of what was built there."""

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "SILVER_BASE": "s3://lake/silver", "GOLD_BASE": GOLD}

    def deliver(self) -> None:
        """Make Silver in S3 what it is on the disk, and touch nothing that is there already."""
        client, there = boto3.client("s3"), objects("silver")
        files = {str(file.relative_to(self.silver)): file for file in self.silver.rglob("*.parquet")}
        for key, file in files.items():
            if there.get(key, ("",))[0].strip('"') != hashlib.md5(file.read_bytes()).hexdigest():
                client.upload_file(str(file), "lake", f"silver/{key}")
        for key in there.keys() - files.keys():
            client.delete_object(Bucket="lake", Key=f"silver/{key}")

    def fetch(self) -> None:
        """Copy what there is of Gold."""
        shutil.rmtree(self.gold, ignore_errors=True)
        for key in objects("token, gold"):
            if not key.endswith("/"):
                (self.gold / key).parent.mkdir(parents=True, exist_ok=True)
                boto3.client("s3").download_file("lake", f"token, gold/{key}", str(self.gold / key))

    def run(self, *args: str) -> Outcome:
        """A run in a process of its own, after a delivery; what it made is fetched."""
        self.deliver()
        started_at = Outcome.now()
        process = self.start(*BUILD, *args)
        said, _ = process.communicate()
        self.fetch()
        return Outcome(process.returncode == 0, said, started_at)

    def partitions(self, table: str) -> dict[str, set[tuple[str, str, object]]]:
        """The objects of each partition of a table."""
        found: dict[str, set[tuple[str, str, object]]] = {}
        for key, entry in objects(f"token, gold/{PATHS[table]}").items():
            if "=" in key and not key.endswith("/"):
                found.setdefault(key.split("/")[0].split("=")[1], set()).add((key, *entry))
        return found


@pytest.mark.long
def test_gold_in_s3_is_that_of_a_disk(tmp_path: Path, s3: S3) -> None:
    environment.install_s3()
    lake = Lake(tmp_path / "silver", random.Random(3))
    warehouse = OnS3("test", tmp_path / "artefacts", lake.root, tmp_path / "gold")
    assert_exact(warehouse, warehouse.run())

    # A late row, a changed user, a new day, and one that is gone. The run is killed between two copies, by which
    # files get to their place, and an object of Gold is lost.
    first, late, gone, new = warehouse.partitions("fact_events"), *DAYS[1:3], date(2024, 3, 2)
    touched = {f"{late}", f"{gone}", f"{new}"} | days_of(warehouse, "u7")["fact_events"]
    assert touched < {*first, f"{new}"}
    lake.add("events", [lake.event(late) | {"event_id": "late", "ts": lake.moment(late)}], DAYS[-1])
    lake.add("users", [lake.user(7) | {"city": "Nowhere", "updated_at": lake.moment(new)}])
    lake.add_day(new)
    for file in lake.files("events", "transactions"):
        if file.parent.name.endswith(f"={gone}"):
            lake.delete(file)
    kill(warehouse, s3, "fact_events/event_date=")
    assert [key for key in objects("token, gold") if "/.spark-staging" in key]
    lost, *_ = warehouse.partitions("rejected_transactions")[f"{DAYS[-1]}"]
    boto3.client("s3").delete_object(Bucket="lake", Key=f"token, gold/{PATHS['rejected_transactions']}/{lost[0]}")
    assert_exact(warehouse, warehouse.run())
    assert not [key for key in objects("token, gold") if "/.spark-staging" in key or "/_temporary" in key]
    second = warehouse.partitions("fact_events")
    touched |= days_of(warehouse, "u7")["fact_events"]
    assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} == touched

    # All of it again, in place.
    assert_exact(warehouse, warehouse.run("--vars", "{rebuild: true}"))
    third = warehouse.partitions("fact_events")
    assert third.keys() == second.keys() and not any(third[name] & second[name] for name in third)


def kill(warehouse: OnS3, s3: S3, place: str) -> None:
    """Start a run, and kill it at the second copy to a place."""
    warehouse.deliver()
    process = warehouse.start(*BUILD)
    copies: list[str] = []

    def hear(path: str) -> None:
        copies.extend([path] if place in path else [])
        if len(copies) == 2:
            os.killpg(process.pid, signal.SIGKILL)

    s3.heard = hear
    said, _ = process.communicate()
    s3.heard = str
    assert len(copies) >= 2, said


@pytest.mark.long
@pytest.mark.skipif(pyspark.__version__ >= "4", reason="Spark 4.1 can only be set to classes that it has")
def test_commit_protocol_that_adds_to_what_it_should_replace_is_refused(warehouse: Warehouse) -> None:
    """Before anything else: here there is not even a Silver."""
    warehouse.dbt("run-operation", "unlock")  # there is a Spark
    name = "spark.sql.sources.commitProtocolClass"
    protocol = "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol"
    session().conf.set(name, protocol)
    try:
        outcome = warehouse.dbt("run")
    finally:
        session().conf.unset(name)
    assert not outcome.success
    assert f"Spark commits files by {protocol}" in outcome.message


@pytest.mark.usefixtures("s3")
def test_python_reads_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before a run, the summary after it, and the report."""
    pq.write_table(pa.table({"user_id": ["u1", "u2"], "user_bucket": [0, 0]}), tmp_path / "part.parquet")
    client = boto3.client("s3")
    client.upload_file(str(tmp_path / "part.parquet"), "lake", "gold of us/dim/dim_users/user_bucket=0/part.parquet")
    assert cli._count("s3a://lake/gold of us/dim/dim_users") == "2"
    assert cli._count("s3a://lake/gold of us/fact/fact_events") == ""
    found = report.table("s3a://lake/gold of us", "dim_users")
    assert found is not None and found.count_rows() == 2
    assert report.table("s3a://lake/gold of us", "fact_events") is None

    client.put_object(Bucket="lake", Key="silver/events/day=1/part.parquet", Body=b"")
    monkeypatch.setenv("SILVER_BASE", "s3a://lake/silver")
    done = CliRunner().invoke(cli.app, ["build"])
    assert done.exit_code == 1
    assert "s3a://lake/silver/events/day=1/part.parquet is empty" in done.output


def test_jars_are_fetched_once_and_only_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "hadoop-client-api-3.4.2.jar").touch()
    known = ("org.apache.hadoop/hadoop-aws-3.4.2.jar", "software.amazon.awssdk/s3-2.jar")
    monkeypatch.setattr(pyspark, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(environment, "_fetch", lambda *_: False)
    with pytest.raises(SetupError, match="cannot be fetched from Maven Central"):
        environment.install_s3()

    def fetch(folder: str, *_: object) -> bool:
        for name in (*known, "io.netty/netty-4.jar"):
            (Path(folder) / name).parent.mkdir()
            (Path(folder) / name).write_text(name)
        return True

    monkeypatch.setattr(environment, "_fetch", fetch)
    with pytest.raises(SetupError, match="SHA-256 differs"):
        environment.install_s3()
    assert [jar.name for jar in jars.iterdir()] == ["hadoop-client-api-3.4.2.jar"]

    digests = "".join(sorted(hashlib.sha256(name.encode()).hexdigest() for name in known))
    sdk, _, chain = environment._S3["3.4.2"]
    monkeypatch.setitem(environment._S3, "3.4.2", (sdk, hashlib.sha256(digests.encode()).hexdigest(), chain))
    environment.install_s3()
    assert {jar.name for jar in jars.iterdir()} == {
        "hadoop-client-api-3.4.2.jar", "hadoop-aws-3.4.2.jar", "s3-2.jar"
    }  # fmt: skip
    assert "DefaultCredentialsProvider" in (tmp_path / "conf" / "spark-defaults.conf").read_text()
    monkeypatch.delattr(environment, "_fetch")
    environment.install_s3()
