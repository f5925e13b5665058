"""Gold is the same on a cluster: a Spark master and two workers, from the PySpark package, on this machine."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


def test_gold_is_the_same_on_a_cluster(tmp_path: Path, workers: list[subprocess.Popen[bytes]]) -> None:
    lake = Lake(tmp_path / "silver", random.Random(5))
    warehouse = Warehouse("test", tmp_path / "artefacts", lake.root, tmp_path / "gold")
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
        for change in random.Random(run).sample(CHANGES, 3):
            change(lake)
    executors = [folder for n in range(2) for folder in (tmp_path / f"worker{n}").glob("app-*/*")]
    assert len(executors) >= 5, "each run has an executor on each worker that lives"
