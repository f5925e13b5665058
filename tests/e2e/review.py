"""What a reviewer reads of a test run: a line for each file of tests, on the page of a workflow's run."""

from __future__ import annotations

import ast
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyspark

from goldkit.environment import PROJECT

OUTCOMES = ("passed", "failed", "error", "skipped")


def text(stats: Mapping[str, Sequence[Any]]) -> str:
    """Markdown from what pytest's terminal reporter counted: (reports of each outcome, those of steps under "")."""
    counts: dict[str, Counter[str]] = {}
    seconds: Counter[str] = Counter()
    for outcome in ("", *OUTCOMES):
        for report in stats.get(outcome, ()):
            file = report.nodeid.split("::")[0]
            seconds[file] += getattr(report, "duration", 0)
            if outcome:
                counts.setdefault(file, Counter())[outcome] += 1
    total: Counter[str] = sum(counts.values(), Counter())
    said = ", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES if total[outcome])
    lines = [f"**Spark {pyspark.__version__}, Python {platform.python_version()}: {said or 'no test ran'}**", ""]
    lines += [f"| what is tested | {' | '.join(OUTCOMES)} | minutes |", "|---" * (len(OUTCOMES) + 2) + "|"]
    for file, count in sorted(counts.items()):
        numbers = [str(count[outcome] or "") for outcome in OUTCOMES]
        lines.append(f"| {subject(file)} | {' | '.join(numbers)} | {seconds[file] / 60:.1f} |")
    failed = [report for outcome in ("failed", "error") for report in stats.get(outcome, ())]
    lines += ["", *(f"- `{report.nodeid}`: {reason(report)}" for report in failed)] if failed else []
    return "\n".join(lines) + "\n\n"


def subject(file: str) -> str:
    """The first line of a file's docstring, which says what it tests."""
    doc = ast.get_docstring(ast.parse((PROJECT / file).read_text(encoding="utf-8"))) or file
    return doc.split("\n")[0].replace("|", "\\|")


def reason(report: Any) -> str:
    """Why a test failed, in one line."""
    lines = [line[1:].strip() for line in str(report.longrepr).splitlines() if line.startswith("E ")]
    return lines[0][:300] if lines else str(report.longrepr).strip().split("\n")[-1][:300]
