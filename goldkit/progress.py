"""Runs dbt and says how far it is: `python -m goldkit.progress build …` is `dbt build …` with a line that moves.

dbt prints its own lines, all of them. On a terminal the line stands below them; elsewhere a plain line a
minute does. What is left is told from the times of the last build that went well, if it had as many steps.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from goldkit.results import one_line, read, results_file

DBT = (sys.executable, "-m", "goldkit.progress")
BUILD = ("build", "--exclude-resource-type", "unit_test")  # unit tests look at SQL, not at data
HOOK = "operation."  # begins the ids of hooks, which dbt does not count among its steps
EVERY = 60.0  # seconds between two lines where there is no terminal


def last_build() -> Path:
    """A copy of run_results.json, which the next dbt command of any kind overwrites."""
    return results_file().with_name("last_build.json")


def last_run() -> tuple[dict[str, float], float]:
    """Seconds of each step of the last build that went well, by its id, and of all of it. ({}, 0) if nobody knows."""
    last = read(last_build())
    if last.get("args", {}).get("which") != "build":
        return {}, 0
    steps = [step for step in last["results"] if not step["unique_id"].startswith(HOOK)]
    return {step["unique_id"]: step["execution_time"] for step in steps}, last["elapsed_time"]


def clock(seconds: float) -> str:
    """A duration as `0:05`, `12:30` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class Watch:
    """What dbt has done so far, by its events. They come from dbt's threads, and another one draws the line."""

    what: str  # dbt's command
    last: dict[str, float]  # seconds of each step, the last time
    started: float = field(default_factory=time.monotonic)
    total: int = 0
    done: dict[str, float] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)  # step -> when it began
    partitions: str = ""  # what the engine said last of the table at work

    def listen(self, event: Any) -> None:
        """Take in one of dbt's events."""
        data = event.data
        if event.info.name == "LogStartLine":
            self.total = data.total
            self.running[data.node_info.unique_id] = time.monotonic()
        elif event.info.name == "NodeFinished":
            step = data.node_info.unique_id
            self.running.pop(step, None)
            if not step.startswith(HOOK):
                self.done[step] = data.run_result.execution_time
            self.partitions = ""
        elif found := re.search(r": chunk (\d+ of \d+), (\d+) partitions", event.info.msg):
            chunk = "" if found[1] == "1 of 1" else f", chunk {found[1]}"
            self.partitions = f": {found[2]} partition{'s' * (found[2] != '1')}{chunk}"

    def left(self) -> float | None:
        """Seconds to go if the rest costs what it did the last time, in proportion; None if nobody knows.

        The proportion is that of the steps that are done, once these were a tenth of the last run.
        """
        if not self.total or len(self.last) != self.total:
            return None
        known = sum(self.last.get(step, 0) for step in list(self.done))
        whole = sum(self.last.values())
        pace = sum(list(self.done.values())) / known if known > whole / 10 else 1.0
        at_work = sum(time.monotonic() - since for since in list(self.running.values()))
        return max(0.0, (whole - known) * pace - at_work)

    def __str__(self) -> str:
        spent = clock(time.monotonic() - self.started)
        if not self.total:
            return f"{self.what}: {spent}"
        names = ", ".join(step.split(".")[2] for step in list(self.running))
        left = self.left()
        return (
            f"{len(self.done)} of {self.total} done in {spent}"
            + (f", about {clock(left)} left" if left is not None else "")
            + (f" · {names}{self.partitions}" if names else "")
        )


class Line(TextColumn):
    """The text of a watch, as it is whenever the line is drawn."""

    def __init__(self, watch: Watch) -> None:
        super().__init__("")
        self.watch = watch

    def render(self, task: Any) -> Any:
        return Text(str(self.watch), overflow="ellipsis", no_wrap=True)


def dbt(args: list[str]) -> int:
    """`dbt <args>` in this process, with the line. Returns the exit code that dbt would end with."""
    from dbt.cli.main import dbtRunner

    last, took = last_run() if args[0] == "build" else ({}, 0)
    watch = Watch(args[0], last)
    console = Console(soft_wrap=True)
    live = console.is_interactive and sys.stdout.isatty()
    progress = Progress(BarColumn(20), Line(watch), console=console, transient=True, disable=not live)
    step = progress.add_task("", total=None)
    told = time.monotonic()

    def listen(event: Any) -> None:
        nonlocal told
        watch.listen(event)
        if live:
            progress.update(step, completed=len(watch.done), total=watch.total or None)
        elif time.monotonic() - told > EVERY:
            told = time.monotonic()
            print(watch, flush=True)

    def end(number: int, _: Any) -> None:
        progress.stop()  # or the terminal stays without a cursor
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    if last:
        print(f"The last build took {clock(took)}, for {len(last)} steps.", flush=True)
    with progress:
        done = dbtRunner(callbacks=[listen]).invoke(args)
    if done.success and args[0] == "build" and results_file().exists():
        shutil.copy(results_file(), last_build())
    if isinstance(done.exception, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if done.exception:  # the run as a whole, not a step of it
        console.print(Text(f"dbt stopped: {one_line(str(done.exception))}", "red"))
    return 0 if done.success else 2 if done.exception else 1


if __name__ == "__main__":
    sys.exit(dbt(sys.argv[1:]))
