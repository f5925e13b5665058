"""A run on AWS Glue: the preflight, `dbt build`, and the end of the session, whatever happened.

dbt-glue never stops a session that it reuses, and names all of them alike, so that runs of one account
share one (packages/exact/macros/adapter/README.md 13). Here each run has a session of its own, which is
paid for until it is stopped.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from goldkit.environment import PROJECT
from goldkit.progress import BUILD, DBT
from goldkit.results import log_file

console = Console()


def build(args: Sequence[str] = ()) -> int:
    """The preflight and `dbt build --target glue` in a session of their own; returns dbt's exit code."""
    return run([["run-operation", "preflight"], [*BUILD, *args]])


def run(commands: list[list[str]]) -> int:
    """dbt commands on Glue in a session of their own, up to the first that fails; returns its exit code.

    SIGTERM and SIGINT end dbt, and then the session too. Of SIGKILL only the idle timeout knows.
    """
    session = f"silver-to-gold-{uuid.uuid4()}"
    environ = {**os.environ, "GLUE_SESSION_ID": session, "DBT_TARGET": "glue"}
    log = log_file()
    running: list[subprocess.Popen[bytes]] = []

    def end(number: int, _: FrameType | None) -> None:
        for process in running:
            process.terminate()
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        freed = False
        while commands:
            known = _size(log)
            running[:] = [subprocess.Popen([*DBT, *commands[0]], cwd=PROJECT, env=environ)]
            code = running[0].wait()
            owner = holder(log, known) if code and not freed else None
            holding = owner.split(".")[0] if owner else ""
            if holding and is_over(holding):
                console.print(f"Session {holding} is over: its claim is given up.", soft_wrap=True)
                commands.insert(0, ["run-operation", "unlock", "--args", json.dumps({"owner": owner})])
                freed = True
            elif code:
                tell_if_lost(session, said_since(log, known))
                return code
            else:
                commands.pop(0)
        return 0
    finally:
        for process in running:
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
        stop(session)


def region() -> str:
    """Where the glue target of profiles.yml runs."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1"


def client() -> Any:
    """Glue in that region, by the caller's credentials."""
    return boto3.client("glue", region_name=region())


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def holder(log: Path, known: int) -> str | None:
    """The run that keeps another out, as session.run, by what dbt's log says after its first `known` bytes."""
    found = re.search(r"Another run is writing to .*: (silver-to-gold-[0-9a-f.-]+), since", said_since(log, known))
    return found[1] if found else None


def said_since(log: Path, known: int) -> str:
    """What was added to dbt's log since it had `known` bytes; all of it where it was begun anew."""
    text = log.read_bytes() if log.exists() else b""
    return text[known if known <= len(text) else 0 :].decode(errors="replace")


def is_over(session: str) -> bool:
    """Whether a session can write no more. One that nobody answers for may still write."""
    glue = client()
    try:
        found = glue.get_session(Id=session)["Session"]
        give_up_at = time.monotonic() + 300
        while found["Status"] == "STOPPING" and time.monotonic() < give_up_at:
            time.sleep(1)
            found = glue.get_session(Id=session)["Session"]
    except (ClientError, BotoCoreError) as error:
        return isinstance(error, ClientError) and error.response["Error"]["Code"] == "EntityNotFoundException"
    return str(found["Status"]) in ("STOPPED", "FAILED", "TIMEOUT")


def tell_if_lost(session: str, said: str) -> None:
    """Say that the session itself ended, which dbt-glue 1.10.19 reports as `no attribute 'ExecutableError'`.

    It starts another of the same name for its next statement, and then nobody knows why the first one ended.
    """
    try:
        found = client().get_session(Id=session)["Session"]
    except (ClientError, BotoCoreError):
        return  # dbt has said why it could not be started
    if found["Status"] not in ("PROVISIONING", "READY"):
        why = f"{found['Status']}, {found.get('ErrorMessage') or 'no reason given'}"
    elif "has no attribute 'ExecutableError'" in said:
        why = "its logs in CloudWatch say why"
    else:
        return
    console.print(f"[red]Session {session} was lost: {why}.[/]", soft_wrap=True)
    console.print("Gold is as its last statement left it; run again, which mends the rest.", soft_wrap=True)


def stop(session: str) -> None:
    """Stop a session; says so, or what to do where it can't."""
    try:
        client().stop_session(Id=session)
        console.print(f"Session {session} stopped.", soft_wrap=True)
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in ("EntityNotFoundException", "IllegalSessionStateException"):
            return  # it never started, or is over already
        console.print(f"[red]Session {session} could not be stopped: {error}[/]", soft_wrap=True)
        console.print(f"Stop it: aws glue stop-session --id {session} --region {region()}", soft_wrap=True)
