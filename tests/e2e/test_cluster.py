"""Gold is the same on a cluster: a Spark master and two workers, from the PySpark package, on this machine.

dbt is the cluster's driver (SPARK_MASTER), or asks a Thrift server that is (the target `thrift`).
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pyspark
import pytest

from goldkit.changes import CHANGES, Lake
from goldkit.dbt import BUILD, Outcome, Warehouse

from .conftest import assert_exact

pytestmark = pytest.mark.long
SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def start(kind: str, log: Path, *args: str) -> subprocess.Popen[bytes]:
    """A master or a worker in a process group of its own, on the loopback address."""
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    name = f"org.apache.spark.deploy.{kind}.{kind.capitalize()}"
    command = [str(SPARK_CLASS), name, "--host", "127.0.0.1", *args]
    with log.open("wb") as file:
        return subprocess.Popen(command, env=environ, stdout=file, stderr=file, start_new_session=True)


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The workers of a cluster that runs started from now on use."""
    port, web = free_port(), free_port()
    master = start("master", tmp_path / "master.log", "--port", str(port), "--webui-port", str(web))
    url = f"spark://127.0.0.1:{port}"
    workers = [
        start(
            "worker",
            tmp_path / f"worker{n}.log",
            *("--webui-port", str(free_port()), "--cores", "1", "--memory", "1g"),
            *("--work-dir", str(tmp_path / f"worker{n}"), url),
        )
        for n in range(2)
    ]
    monkeypatch.setenv("SPARK_MASTER", url)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    yield workers
    for process in [*workers, master]:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def thrift_server(
    tmp_path: Path, workers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The Thrift server of the PySpark package, as the cluster's driver; runs started from now on use it."""
    port, log = free_port(), tmp_path / "thrift.log"
    derby = f"jdbc:derby:;databaseName={tmp_path}/server/derby;create=true"
    settings = {
        "spark.driver.memory": "1g",
        "spark.sql.warehouse.dir": f"{tmp_path}/server/warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": derby,
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
        "spark.ui.enabled": "false",
    }
    submit = ("org.apache.spark.deploy.SparkSubmit", "--master", os.environ["SPARK_MASTER"])
    server = ("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal")
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    hive = [f"hive.server2.thrift.port={port}", "hive.server2.thrift.bind.host=127.0.0.1"]
    listen = [word for setting in hive for word in ("--hiveconf", setting)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(SPARK_CLASS), *submit, *options, *server, *listen],
            cwd=tmp_path, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        until = time.monotonic() + 180
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(1)
        monkeypatch.setenv("DBT_TARGET", "thrift")
        monkeypatch.setenv("SPARK_THRIFT_HOST", "127.0.0.1")
        monkeypatch.setenv("SPARK_THRIFT_PORT", str(port))
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def build_three_times(folder: Path, workers: list[subprocess.Popen[bytes]]) -> None:
    """A first build, one after changes, and one that loses a worker at work: each is exact."""
    lake = Lake(folder / "silver", random.Random(5))
    warehouse = Warehouse("test", folder / "artefacts", lake.root, folder / "gold")
    for run in ("first build", "after changes", "without one of the workers"):
        started_at = Outcome.now()
        process = warehouse.start(*BUILD)
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if run == "without one of the workers" and "START" in line and "fact_events" in line:
                os.killpg(workers[0].pid, signal.SIGKILL)
        assert_exact(warehouse, Outcome(process.wait(600) == 0, said, started_at))
        # Spark's own kind is INT96: a session without the run's settings writes that.
        for file in (warehouse.gold / "dim" / "dim_users").glob("*/*.parquet"):
            kinds = [column.physical_type for column in pq.ParquetFile(file).schema]
            assert "INT96" not in kinds, "written without the run's settings"
        for change in random.Random(run).sample(CHANGES, 3):
            change(lake)
    executors = [path for n in range(2) for path in (folder / f"worker{n}").glob("app-*/*") if path.is_dir()]
    assert len({path.parts[-3] for path in executors}) == 2, "each worker had an executor"


def test_gold_is_the_same_on_a_cluster(tmp_path: Path, workers: list[subprocess.Popen[bytes]]) -> None:
    build_three_times(tmp_path, workers)


def test_gold_is_the_same_through_a_thrift_server(
    tmp_path: Path, workers: list[subprocess.Popen[bytes]], thrift_server: None
) -> None:
    """Each model has a session of its own there, and dbt sees neither Spark's process nor its catalog's files."""
    build_three_times(tmp_path, workers)
