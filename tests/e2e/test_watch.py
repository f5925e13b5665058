"""What was not delivered is told: a day with too few rows, a dataset that stopped.

Guards against silence, and against alarms at what is usual: weekends, a short history, days that are not over.
"""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from goldkit.changes import SCHEMAS, Row
from goldkit.dbt import Outcome, Warehouse
from goldkit.silver import folder, write

from .conftest import session

TEST = "days_have_their_usual_rows"
TODAY = Outcome.now().date()
FACTS = {"events": "fact_events", "transactions": "fact_transactions"}
Days = dict[date, int]  # rows of each day


def usual(weeks: int = 6, weekday: int = 200, weekend: int = 60) -> Days:
    """So many weeks up to yesterday, with quiet weekends and a little noise. Today has only begun."""
    days = (TODAY - timedelta(days=back) for back in range(1, 7 * weeks + 1))
    return {day: (weekend if day.weekday() > 4 else weekday) + day.day % 7 for day in days} | {TODAY: 3}


def without(days: Days, last: int) -> Days:
    """As if nothing had come on the last so many days, today included."""
    return {day: count for day, count in days.items() if day < TODAY - timedelta(days=last)}


YESTERDAY = TODAY - timedelta(days=1)
OLD = {day - timedelta(days=400): count for day, count in usual().items()}
CASES: dict[str, tuple[Days, int]] = {
    "usual": (usual(), 0),
    "nothing yet": ({}, 0),
    "a day came by half": (usual() | {YESTERDAY: usual()[YESTERDAY] // 2}, 1),
    "a day came by two thirds": (usual() | {YESTERDAY: usual()[YESTERDAY] * 2 // 3}, 0),
    "a day is missing": ({day: n for day, n in usual().items() if day != YESTERDAY}, 1),
    "it stopped": (without(usual(), 3), 3),
    "it stopped two weeks ago": (without(usual(), 14), 7),
    "it stopped long ago, as the sample did": (OLD, 0),
    "a history of two weeks": (usual(2) | {YESTERDAY: 1}, 0),
    "few rows": (usual(weekday=20, weekend=10) | {YESTERDAY: 1}, 0),
    "nothing on weekends": ({day: n for day, n in usual().items() if day.weekday() < 5}, 0),
}


def deliver(silver: Path, dataset: str, days: Days) -> None:
    """Rows of a dataset, in a file; one without rows if there are none."""
    key, moment = ("event_id", "ts") if dataset == "events" else ("tx_id", "created_at")
    rows: list[Row] = []
    for day, count in days.items():
        at = Outcome.now().replace(year=day.year, month=day.month, day=day.day, hour=0, minute=0)
        for number in range(count):
            row = dict.fromkeys(SCHEMAS[dataset].names) | {key: f"{day}-{number}", moment: at}
            rows.append(row | ({"amount": "1.00"} if dataset == "transactions" else {}))
    write(silver / dataset / folder("of", "all") / "part-0.parquet", rows, SCHEMAS[dataset])


def remember(warehouse: Warehouse, days: dict[str, Days]) -> None:
    """A manifest as runs leave it, of tables that need not be there: each day was built, and once before by half."""
    schema = pa.schema(
        [(name, pa.string()) for name in ("model", "partition", "action", "code")]
        + [("rows", pa.int64()), ("recorded_at", pa.timestamp("us", tz="UTC"))]
    )
    rows = [
        {
            "model": model, "partition": str(day), "action": "rebuild", "code": "abc",
            "rows": count // share, "recorded_at": Outcome.now() - timedelta(hours=share),
        }
        for model, counts in days.items()
        for day, count in counts.items()
        for share in (2, 1)
    ]  # fmt: skip
    write(warehouse.gold / "audit" / "manifest" / "by-hand" / "part-0.parquet", rows, schema)


def test_an_empty_history_and_new_files_warn_of_nothing(warehouse: Warehouse) -> None:
    """And an old file does, where dbt is asked for the freshness of sources."""
    for name, schema in SCHEMAS.items():
        write(warehouse.silver / name / "part-0.parquet", [dict.fromkeys(schema.names)], schema)
    outcome = warehouse.dbt("test", "--select", TEST)
    assert outcome.success and str(outcome.results[TEST].status) == "pass", outcome.message
    days_ago = time.time() - 3 * 86_400
    os.utime(warehouse.silver / "users" / "part-0.parquet", (days_ago, days_ago))
    outcome = warehouse.dbt("source", "freshness")
    statuses = {name: str(outcome.results[name].status) for name in SCHEMAS}
    assert statuses == {"events": "pass", "users": "warn", "transactions": "pass"}, outcome.message


def test_days_are_compared_with_their_weekday(warehouse: Warehouse) -> None:
    """All cases at once: the test's own SQL, of which each case is a fact, on each day of a week."""
    for name, schema in SCHEMAS.items():
        write(warehouse.silver / name / "part-0.parquet", [], schema)
    remember(warehouse, {name: days for name, (days, _) in CASES.items()})
    outcome = warehouse.dbt("test", "--select", TEST)
    assert outcome.success, outcome.message
    sql = outcome.results[TEST].node.compiled_code
    for own, ours in (
        ("model in ('fact_events', 'fact_transactions')", "true"),
        (f"day >= date '{TODAY - timedelta(days=3)}'", f"day >= date '{TODAY - timedelta(days=7)}'"),
    ):
        assert own in sql
        sql = sql.replace(own, ours)
    found = [row.model for row in session().sql(sql).collect()]
    assert {name: found.count(name) for name in CASES} == {name: count for name, (_, count) in CASES.items()}


@pytest.mark.long
def test_a_build_warns_until_the_rest_has_come(warehouse: Warehouse) -> None:
    """From Silver on: events came by half, and then the rest. In between nothing is new, and it is still said."""
    days = usual(4, 60, 60)
    deliver(warehouse.silver, "events", days | {YESTERDAY: 25})
    deliver(warehouse.silver, "transactions", days)
    write(warehouse.silver / "users" / "part-0.parquet", [], SCHEMAS["users"])
    select = ("build", "--select", f"+{TEST}", "--indirect-selection", "empty")
    for _ in range(2):
        outcome = warehouse.dbt(*select)
        assert outcome.success, outcome.message
        assert (str(outcome.results[TEST].status), outcome.results[TEST].failures) == ("warn", 1)
    deliver(warehouse.silver, "events", days)
    assert str(warehouse.dbt(*select).results[TEST].status) == "pass"
    # Asked once a day: with nothing new there is no other answer.
    assert "not run" in str(warehouse.dbt(*select).results[TEST].adapter_response["_message"])
