"""The command line: how far a run is, what it came to, who is told, and what a machine lacks.

Guards against a line that shows other steps than dbt runs or promises a time that nobody knows, a summary that hides
what failed, a secret that is printed, and a doctor who fails where things are broken, or changes them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pyarrow as pa
import pytest
import typer
from moto import mock_aws

from goldkit import cli, doctor, notify, progress, results
from goldkit.dbt import Warehouse
from goldkit.environment import PROJECT
from goldkit.silver import sample, write

# --- how far a run is ------------------------------------------------------------------------------


def event(name: str, step: str = "", msg: str = "", **data: Any) -> Any:
    """One of dbt's events, as callbacks get it."""
    node = SimpleNamespace(unique_id=step)
    return SimpleNamespace(info=SimpleNamespace(name=name, msg=msg), data=SimpleNamespace(node_info=node, **data))


def finished(step: str, seconds: float) -> Any:
    return event("NodeFinished", step, run_result=SimpleNamespace(execution_time=seconds))


LAST = {"model.p.one": 10.0, "model.p.two": 20.0, "model.p.three": 30.0}


def test_time_left_is_in_proportion_to_the_last_run() -> None:
    watch = progress.Watch("build", LAST)
    assert watch.left() is None and str(watch) == "build: 0:00"
    watch.listen(event("LogStartLine", "model.p.one", total=3))
    assert watch.left() == pytest.approx(60, abs=0.5)
    watch.listen(finished("operation.p.on-run-start", 9))
    watch.listen(finished("model.p.one", 20))  # twice as long as the last time
    watch.listen(event("LogStartLine", "model.p.two", total=3))
    assert watch.left() == pytest.approx(100, abs=0.5)
    watch.listen(event("JinjaLogDebug", msg="gold.two: chunk 1 of 1, 30 partitions, 2024-01-01 to 2024-01-30"))
    assert str(watch) == "1 of 3 done in 0:00, about 1:40 left · two: 30 partitions"
    watch.listen(event("JinjaLogInfo", msg="gold.two: chunk 2 of 9, 1 partitions, 2024-01-31 to 2024-01-31"))
    assert str(watch).endswith("two: 1 partition, chunk 2 of 9")


def test_nobody_promises_a_time_for_other_steps_than_the_last() -> None:
    watch = progress.Watch("build", LAST)
    watch.listen(event("LogStartLine", "model.p.one", total=2))
    assert str(watch) == "0 of 2 done in 0:00 · one"


def test_the_last_build_tells_how_long_the_next_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    assert progress.last_run() == ({}, 0)
    steps = [
        {"unique_id": "operation.p.on-run-start", "status": "success", "execution_time": 9.0},
        {"unique_id": "model.p.one", "status": "no-op", "execution_time": 2.5},
    ]
    last = {"args": {"which": "build"}, "results": steps, "elapsed_time": 12.0}
    progress.last_build().write_text(json.dumps(last))
    assert progress.last_run() == ({"model.p.one": 2.5}, 12.0)
    progress.last_build().write_text("half a fi")
    assert progress.last_run() == ({}, 0)


@pytest.mark.long
def test_dbt_says_what_the_line_is_made_of(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The names of dbt's events, and the engine's words about a table at work."""
    monkeypatch.setattr(progress, "EVERY", 0)
    monkeypatch.chdir(PROJECT)
    sample(warehouse.silver, days=1, events=100)
    for name, value in {**warehouse.prepare(), "DBT_WRITE_JSON": "true"}.items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert progress.dbt(["build", "--select", "countries"]) == 0
        assert "seed.silver_to_gold.countries" in progress.last_run()[0]
        assert progress.dbt(["build", "--no-such-option"]) == 2
        shutil.rmtree(warehouse.silver / "events")
        assert progress.dbt(["build", "--select", "countries"]) == 2
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capfd.readouterr()
    found = re.search(r"^0 of (\d+) done in \d:\d\d · countries: 1 partition$", said.out, re.MULTILINE)
    assert found and re.search(rf"^{found[1]} of {found[1]} done in \d:\d\d$", said.out, re.MULTILINE), said.out
    assert re.search(r"^dbt stopped: .*--no-such-option", said.out, re.MULTILINE), said.out
    assert re.search(r"^dbt stopped: No parquet file in .*/events\.", said.out, re.MULTILINE), said.out


@pytest.mark.long
def test_a_terminal_shows_a_line_that_goes_away_and_ctrl_c_ends_dbt(warehouse: Warehouse) -> None:
    """All lines of dbt are there, the cursor comes back, and dbt says itself that it was interrupted."""
    import pty

    sample(warehouse.silver, days=2, events=50)
    controller, terminal = pty.openpty()
    environ = {**os.environ, **warehouse.prepare(), "DBT_QUIET": "false", "TERM": "xterm", "COLUMNS": "100"}
    environ["METASTORE"] = str(warehouse.folder / "metastore")
    process = subprocess.Popen(
        [sys.executable, "-m", "goldkit", "build"],
        cwd=PROJECT, env=environ, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    said, sent = "", False
    while True:
        try:
            part = os.read(controller, 4096).decode(errors="replace")
        except OSError:
            break
        said += part
        if not sent and "START sql incremental model" in said:
            os.killpg(process.pid, signal.SIGINT)
            sent = True
    assert process.wait() == 128 + signal.SIGINT, said
    assert re.search(r"\d+ of \d+ done in \d:\d\d", said), said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
    assert "CANCEL query" in said or "Exited because of keyboard interrupt" in said, said


# --- what it came to -------------------------------------------------------------------------------


def step(unique_id: str, status: str, message: str | None = None) -> dict[str, Any]:
    return {"unique_id": unique_id, "status": status, "message": message, "execution_time": 1.0}


FOUND: dict[str, Any] = {
    "args": {"which": "build"},
    "metadata": {"invocation_id": "the-run"},
    "results": [
        step("model.silver_to_gold.dim_users", "success", "UNCHANGED, 8 partitions checked"),
        step("test.silver_to_gold.silver_events_have_an_id.1234", "warn", "Got 5 results"),
        step(
            "model.silver_to_gold.fact_events",
            "error",
            "Compilation Error in model fact_events (fact_events.sql)\n  Contract of gold.fact_events broken [ts]"
            "\n  \n  > in macro check",
        ),
        step("model.silver_to_gold.user_ltv", "skipped"),
    ],
}


def test_what_failed_is_one_line_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "RESULTS", tmp_path / "run_results.json")
    monkeypatch.setenv("GOLD_BASE", str(tmp_path / "gold"))
    monkeypatch.setenv("DBT_LOG_PATH", "/var/log/gold")
    cli.RESULTS.write_text(json.dumps(FOUND))
    cli.summary()
    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    failed = said.index("error: fact_events Contract of gold.fact_events broken [ts]")
    assert said[failed + 1] == "the whole message: /var/log/gold/dbt.log"
    warned = said.index("warn: silver_events_have_an_id Got 5 results")
    assert said[warned + 1] == "its rows: dbt show --select silver_events_have_an_id"
    assert failed < warned and "Log: /var/log/gold/dbt.log" in said
    assert not any("skipped" in line and "user_ltv" not in line for line in said)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (None, ""),
        ("Got 1 result", "Got 1 result"),
        ("Runtime Error in model x (m.sql)\n  [DIVIDE] by zero\n  JVM stacktrace", "[DIVIDE] by zero"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_one_line(message: str | None, line: str) -> None:
    assert results.one_line(message) == line


# --- who is told -----------------------------------------------------------------------------------


class Webhook(HTTPServer):
    """Keeps what is posted to it."""

    answer = 200

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Post)


class Post(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:  # noqa: N802
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A running webhook, of which the environment knows."""
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GOLD_WEBHOOK", f"http://127.0.0.1:{server.server_port}/services/secret")
        monkeypatch.delenv("GOLD_SNS_TOPIC", raising=False)
        yield server
        server.shutdown()


def test_what_failed_and_warned_is_told_in_one_message(webhook: Webhook) -> None:
    assert notify.notify(FOUND, 1, "spark", "/data/gold") == []
    (told,) = webhook.posted
    assert told["text"] == "Gold build failed: 1 failed, 1 warned (fact_events, silver_events_have_an_id)"
    assert (told["status"], told["target"], told["gold"]) == ("failed", "spark", "/data/gold")
    assert told["invocation_id"] == "the-run"
    assert [problem["name"] for problem in told["problems"]] == ["fact_events", "silver_events_have_an_id"]
    assert told["problems"][0]["message"] == "Contract of gold.fact_events broken [ts]"


def test_a_run_that_came_to_nothing_is_told_and_one_that_went_well_is_not(webhook: Webhook) -> None:
    assert notify.notify({}, 2, "glue", "s3://gold") == []
    assert [told["text"] for told in webhook.posted] == ["Gold build failed: dbt ended with 2; its log says why"]
    well = {**FOUND, "results": FOUND["results"][:1]}
    assert notify.notify(well, 0, "spark", "/data/gold") == []
    assert notify.notify(FOUND, 130, "spark", "/data/gold") == []  # somebody ended it, and knows
    assert len(webhook.posted) == 1


def test_warnings_alone_are_told(webhook: Webhook) -> None:
    notify.notify({**FOUND, "results": FOUND["results"][:2]}, 0, "spark", "/data/gold")
    assert webhook.posted[0]["text"] == "Gold build warned: 1 warned (silver_events_have_an_id)"


@pytest.mark.parametrize("broken", ["error", "nobody", "nonsense"])
def test_a_build_says_that_nobody_was_told_without_the_secret(
    webhook: Webhook, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And ends as it would have."""
    webhook.answer = 500
    if broken == "nobody":
        monkeypatch.setenv("GOLD_WEBHOOK", "http://127.0.0.1:9/services/secret")
    elif broken == "nonsense":
        monkeypatch.setenv("GOLD_WEBHOOK", "services/secret")
    monkeypatch.setattr(cli, "RESULTS", tmp_path / "run_results.json")
    monkeypatch.setenv("GOLD_BASE", str(tmp_path / "gold"))
    monkeypatch.setenv("SILVER_BASE", str(tmp_path))

    def run(*_: str | Path) -> int:
        cli.RESULTS.write_text(json.dumps({**FOUND, "results": FOUND["results"][:2]}))
        return 0

    monkeypatch.setattr(cli, "run", run)
    with pytest.raises(typer.Exit) as ended:
        cli.build(SimpleNamespace(args=[]))  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert ended.value.exit_code == 0
    assert "nobody was told" in said and "secret" not in said, said


def test_an_sns_topic_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOLD_WEBHOOK", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        sns, sqs = boto3.client("sns", region_name="eu-west-1"), boto3.client("sqs", region_name="eu-west-1")
        topic = sns.create_topic(Name="gold")["TopicArn"]
        queue = sqs.create_queue(QueueName="gold")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        monkeypatch.setenv("GOLD_SNS_TOPIC", topic)
        assert notify.notify(FOUND, 1, "glue", "s3://gold") == []
        (got,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        envelope = json.loads(got["Body"])
        assert envelope["Subject"].startswith("Gold build failed: 1 failed, 1 warned")
        assert json.loads(envelope["Message"])["problems"][0]["name"] == "fact_events"
        monkeypatch.setenv("GOLD_SNS_TOPIC", f"{topic}-of-nobody")
        (missed,) = notify.notify(FOUND, 1, "glue", "s3://gold")
        assert missed.startswith("GOLD_SNS_TOPIC could not be reached")
    monkeypatch.setenv("GOLD_SNS_TOPIC", "gold")
    assert len(notify.notify(FOUND, 1, "glue", "s3://gold")) == 1


# --- what a machine lacks --------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole project with a Silver, to be broken. Spark and the packages are those of the tests."""
    project = tmp_path / "project"
    for name in ("requirements.txt", "requirements-spark4.txt", "profiles.yml.example"):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, project / name)
    shutil.copy(PROJECT / "profiles.yml.example", project / "profiles.yml")
    for name in ("dbt_utils", "exact"):
        (project / "dbt_packages" / name).mkdir(parents=True)
        (project / "dbt_packages" / name / "dbt_project.yml").touch()
    for dataset in doctor.DATASETS:
        write(project / "silver" / dataset / "part-0.parquet", [{"id": "1"}], pa.schema([("id", pa.string())]))
    monkeypatch.setattr(doctor, "PROJECT", project)
    monkeypatch.setenv("SILVER_BASE", str(project / "silver"))
    monkeypatch.setenv("GOLD_BASE", str(project / "gold"))
    monkeypatch.setenv("DBT_TARGET", "spark")
    for name in ("DBT_PROFILES_DIR", "METASTORE"):
        monkeypatch.delenv(name, raising=False)
    return project


def lines(*checks: Any) -> list[str]:
    return [str(finding) for finding in doctor.examine(checks)]


def test_doctor_finds_a_whole_machine_well_and_changes_nothing(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(machine.rglob("*"))
    assert doctor.main([]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "missing " not in said and said.rstrip().endswith("A build finds what it needs."), said
    assert sorted(machine.rglob("*")) == before
    assert doctor.main(["--target", "moon"]) == 2


def test_doctor_finds_what_is_broken(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each, with what to do, and exit code 1."""
    shutil.rmtree(machine / "dbt_packages" / "exact")
    (machine / "silver" / "users" / "part-0.parquet").unlink()
    (machine / "silver" / "events" / "part-0.parquet").write_bytes(b"")
    (machine / "gold").write_text("a file")
    monkeypatch.setenv("SPARK_DRIVER_MEMORY", "9999g")
    found = "\n".join(lines(doctor.dbt_packages, doctor.silver, doctor.gold, doctor.memory))
    assert "missing  dbt_packages lacks exact -> make setup" in found
    assert f"missing  No parquet file in {machine}/silver/users -> set SILVER_BASE" in found
    assert f"missing  {machine}/silver/events/part-0.parquet is empty -> deliver it again" in found
    assert f"{machine}/gold cannot be written" in found
    assert re.search(r"missing  \d+ cores, .* of which Spark may take 9999g -> set SPARK_DRIVER_MEMORY", found)
    assert doctor.main([]) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "missing  There is no {file} -> make setup"),
        ("silver_to_gold: [", "missing  {file} cannot be read: while parsing"),
        ("other: {}", "missing  {file} cannot be read: no 'silver_to_gold'"),
        ("silver_to_gold: {outputs: {glue: {}}}", "missing  {file} has no target spark"),
        ("silver_to_gold: {outputs: {spark: {type: spark}}}", "warning  {file} lacks host, method, "),
    ],
)
def test_doctor_reads_profiles(machine: Path, text: str | None, found: str) -> None:
    file = machine / "profiles.yml"
    file.unlink() if text is None else file.write_text(text)
    (line,) = lines(doctor.profile)
    assert line.startswith(found.format(file=file)), line


def test_doctor_reads_the_lock(machine: Path) -> None:
    for name in ("requirements.txt", "requirements-spark4.txt"):
        (machine / name).write_text(
            "typer==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0\nabsent==1 ; sys_platform == 'moon'\n"
        )
    line = lines(doctor.packages)[-1]
    assert re.match(r"missing  Packages .*: typer [\d.]+, not 0.0.1; no-such-package absent, not 1.0 -> make", line)
    assert "absent==1" not in line


def test_doctor_tells_a_run_at_work_from_a_dead_one(machine: Path) -> None:
    import socket

    schema = pa.schema([("claimed_at", pa.timestamp("us")), ("machine", pa.string()), ("process", pa.int64())])
    gone = subprocess.Popen(["true"])
    gone.wait()
    here = f"{socket.gethostname()}/127.0.0.1"
    for owner, name, process in (("alive", here, os.getpid()), ("dead", here, gone.pid), ("far", None, None)):
        row = {"claimed_at": datetime.now(timezone.utc).replace(tzinfo=None), "machine": name, "process": process}
        write(machine / "gold" / "audit" / "claims" / f"owner={owner}" / "part-0.parquet", [row], schema)
    alive, dead, far = lines(doctor.others)
    assert alive.startswith("missing  The run alive claimed Gold at ") and alive.endswith("-> wait for it to end")
    assert dead.startswith("ok       The run dead claimed Gold at ") and dead.endswith("the next run takes over")
    assert far.startswith("warning  The run far ") and far.endswith("dbt run-operation unlock")


def test_doctor_needs_nothing_but_python(tmp_path: Path) -> None:
    """Without any package: each check that cannot be made is a line, and none is a stack trace."""
    command = [sys.executable, "-S", "-m", "goldkit.doctor"]
    environ = {"PATH": os.environ["PATH"], "SILVER_BASE": str(tmp_path), "GOLD_BASE": str(tmp_path / "gold")}
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True)
    assert done.returncode == 1 and not done.stderr, done.stderr
    assert re.search(r"^missing  PySpark is not in .* -> make setup$", done.stdout, re.MULTILINE)
    assert f"No parquet file in {tmp_path}/events" in done.stdout
    assert re.search(r"^\d+ missing, \d+ warnings.$", done.stdout, re.MULTILINE)


def test_doctor_of_an_account_stops_where_nobody_is_known(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No session is started without credentials. With some, the preflight is what it is before each run."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(machine))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert doctor.main(["--target", "glue"]) == 1
    said = capsys.readouterr().out
    assert "warning  Region eu-west-1 -> set AWS_REGION" in said
    assert "missing  No credentials that work: Unable to locate credentials -> aws sso login" in said
    assert "Preflight" not in said and "SILVER_BASE" not in said
