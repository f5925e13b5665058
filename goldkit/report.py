"""One page of HTML from Gold: what the numbers are, and whether they are well. It needs no network and no server.

report.sql has the queries, report.html the page, charts.py the pictures.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pyarrow import fs

from goldkit import charts, storage
from goldkit.compare import GOLD_SCHEMAS, PATHS

Row = dict[str, Any]

WINDOW = 30  # days of the headline
MOST_DAYS = 3 * 366  # that a chart shows: one mistaken timestamp may lie decades back
DAILY_DAYS = 92  # from here on a chart shows weeks
MOST_COUNTRIES = 10

REJECTED_DATE = pa.field("rejected_date", pa.string())
SCHEMAS: dict[str, pa.Schema] = {
    **GOLD_SCHEMAS,
    "rejected_events": GOLD_SCHEMAS["rejected_events"].append(REJECTED_DATE),
    "rejected_transactions": GOLD_SCHEMAS["rejected_transactions"].append(REJECTED_DATE),
    "run_metrics": pa.schema(
        [
            ("invocation_id", pa.string()),
            ("run_started_at", pa.timestamp("us", tz="UTC")),
            ("model", pa.string()),
            *((f"partitions_{what}", pa.int64()) for what in ("checked", "rebuilt", "dropped")),
            ("rows_written", pa.int64()),
            ("seconds", pa.float64()),
            ("reasons", pa.string()),
        ]
    ),
}
PARTITION_COLUMNS = ("event_date", "tx_date", "activity_date", "month", "rejected_date")


@dataclass
class Figure:
    """A chart with what stands around it, and its numbers as a table. Without rows, `note` says why."""

    title: str
    note: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    drawing: Markup
    legend: dict[str, str] = field(default_factory=dict)


class Gold:
    """The tables of a Gold, each under its name in a DuckDB; one that is not there has no rows."""

    def __init__(self, base: str) -> None:
        self.con = duckdb.connect()
        self.con.execute("set timezone = 'UTC'")
        self.tables = {name: found for name in SCHEMAS if (found := table(base, name))}
        for name, schema in SCHEMAS.items():
            self.con.register(name, self.tables.get(name, schema.empty_table()))
        self.con.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))

    def rows(self, query: str, *parameters: object) -> list[Row]:
        """What a query of report.sql returns."""
        found = self.con.execute(f"from {query}({', '.join('?' * len(parameters))})", parameters)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def table(base: str, name: str) -> ds.Dataset | None:
    """A table of the Gold in this folder or URI; None where it has no folder."""
    filesystem, path = storage.locate(f"{base}/{PATHS.get(name, f'audit/{name}')}")
    if filesystem.get_file_info(path).type != fs.FileType.Directory:
        return None
    last = SCHEMAS[name][-1]
    folders = ds.partitioning(pa.schema([last]), flavor="hive") if last.name in PARTITION_COLUMNS else None
    return ds.dataset(path, SCHEMAS[name], format="parquet", filesystem=filesystem, partitioning=folders)


def write(base: str, shown: str, out: Path, results: Path) -> bool:
    """Write the page of the Gold in `base`, which it calls `shown`; returns whether there was a table.

    `results` is dbt's run_results.json, which need not be there.
    """
    gold, now = Gold(base), datetime.now(timezone.utc).replace(tzinfo=None)
    (calendar,) = gold.rows("calendar")
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    pages.filters.update(number=number, day=day_text, moment=moment_text, size=size_text)
    page = pages.get_template("report.html").render(
        base=shown,
        now=now,
        window=WINDOW,
        calendar=calendar,
        numbers=numbers(gold, **calendar) if calendar["days"] else None,
        health=health(gold, now, **calendar) if gold.tables else None,
        tests=tests(results, gold),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return bool(gold.tables)


# --- numbers --------------------------------------------------------------------------------------


def numbers(gold: Gold, first: date, last: date, days: int) -> dict[str, object]:
    """The headline and the charts."""
    step, first = step_of(first, last)
    rows = named(gold.rows("daily", step, first, last), step)
    revenue, orders = {"revenue": "Revenue"}, {"delivered": "Delivered", "others": "Others"}
    users = {"users": "Active users", "buyers": "With a transaction"}
    figures = [
        over_time(rows, step, "Revenue by day", "Of all accepted transactions. Refunds lower it.", revenue),
        over_time(rows, step, "Orders by day", "By what has become of them so far.", orders),
        over_time(rows, step, "Active users by day", "With an event or a transaction on the day.", users, "line"),
        by_country(gold, last),
        by_cohort(gold, last, days),
        by_value(gold),
    ]
    return {"headline": headline(gold, last, days), "figures": figures, "first": first}


def headline(gold: Gold, last: date, days: int) -> list[Row]:
    """The figures of the last 30 days, and their change; from week to week where there are no 60 days."""
    span = WINDOW if days >= 2 * WINDOW else 7
    (now,) = gold.rows("totals", last, WINDOW)
    (recent,), (before,) = (gold.rows("totals", to, span) for to in (last, last - timedelta(span)))
    titles = {"revenue": "Revenue", "orders": "Orders", "users": "Active users", "delivered": "Delivered so far"}
    cards = []
    for key, title in titles.items():
        share, change = key == "delivered", None
        if days >= 2 * span and before[key] and recent[key] is not None:
            change = recent[key] - before[key] if share else recent[key] / before[key] - 1
        value = percent(now[key]) if share else number(now[key], short=True)
        cards.append({"title": title, "value": value, "change": change, "share": share, "span": span})
    return cards


def step_of(first: date, last: date) -> tuple[str, date]:
    """Whether a chart shows days or weeks, and from when on."""
    first = max(first, last - timedelta(MOST_DAYS))
    return ("week" if (last - first).days >= DAILY_DAYS else "day"), first


def named(rows: list[Row], step: str) -> list[Row]:
    """Rows of days or weeks with their names, and with dates as charts want them."""
    for row in rows:
        start, until = row["start"], row["until"]
        name = day_text(start) if step == "day" else f"{day_text(start)} to {day_text(until - timedelta(1))}"
        row.update(name=name, start=start.isoformat(), until=until.isoformat())
    return rows


def over_time(
    rows: list[Row], step: str, title: str, note: str, series: dict[str, str], mark: str = "bar"
) -> Figure:
    """A figure of days or weeks, of one or more columns of the rows, with their names."""
    for row in rows:
        row["tip"] = "\n".join([row["name"], *(f"{name}: {number(row[key])}" for key, name in series.items())])
    highest = max(rows, key=lambda row: float(sum(row[key] for key in series)))
    return Figure(
        title,
        note if step == "day" else f"{note} Each week is the average of its days.",
        f"{title}, {rows[0]['name']} to {rows[-1]['name']}. Highest: {highest['tip']}.",
        [step.capitalize(), *series.values()],
        [[row["name"], *(number(row[key]) for key in series)] for row in reversed(rows)],
        charts.timeline(rows, list(series), mark),
        dict(zip(series.values(), charts.COLORS, strict=False)) if len(series) > 1 else {},
    )


def by_country(gold: Gold, last: date) -> Figure:
    """Events of the last days by country: the first ones, and the others together."""
    rows = gold.rows("by_country", last, WINDOW)
    total = sum(row["value"] for row in rows)
    if len(rows) > MOST_COUNTRIES:
        others = rows[MOST_COUNTRIES - 1 :]
        name = f"{len(others)} others"
        rows[MOST_COUNTRIES - 1 :] = [{"name": name, "value": sum(row["value"] for row in others), "users": None}]
    for row in rows:
        row["label"] = f"{number(row['value'])} · {row['value'] / total:.0%}"
        row["tip"] = f"{row['name']}\nEvents: {number(row['value'])}\nUsers: {number(row['users'])}"
    return Figure(
        "Activity by country",
        f"Accepted events of the last {WINDOW} days." if rows else f"There is no event in the last {WINDOW} days.",
        f"Events by country. Highest: {rows[0]['tip']}." if rows else "",
        ["Country", "Events", "Users"],
        [[row["name"], number(row["value"]), number(row["users"])] for row in rows],
        charts.ranking(rows),
    )


def by_cohort(gold: Gold, last: date, days: int) -> Figure:
    """What users have brought since they came, by when that was."""
    step = "week" if days <= DAILY_DAYS else "month" if days <= 400 else "quarter"
    rows = gold.rows("by_cohort", step, last)
    for row in rows:
        at = row["cohort"]
        names = {"week": f"{at:%-d %b}", "month": f"{at:%b %Y}", "quarter": f"Q{(at.month + 2) // 3} {at.year}"}
        row["name"], row["label"] = names[step], number(row["value"], short=True)
        users, value = number(row["users"]), number(row["value"], 2)
        row["tip"] = f"First active: {row['name']}\nUsers: {users}\n{step.capitalize()}s since: {row['age']}"
        row["tip"] += f"\nRevenue per user: {value}"
    return Figure(
        "Value by cohort",
        f"Revenue per user so far: a row for each {step} of first activity, a column for each {step} since."
        if rows
        else "No user has been active yet.",
        f"Revenue per user by {step} of first activity. Newest: {rows[-1]['tip']}." if rows else "",
        ["First active", "Users", f"{step.capitalize()}s since", "Revenue per user"],
        [[row["name"], number(row["users"]), row["age"], number(row["value"], 2)] for row in rows],
        charts.heatmap(rows),
    )


def by_value(gold: Gold) -> Figure:
    """How much the users with revenue have brought; the last bar holds the highest hundredth too."""
    (found,) = gold.rows("user_values")
    rows, note = [], "No user has brought revenue yet."
    if found["buyers"]:
        size = nice(found["high"] / 16)
        bins, places = math.ceil(found["high"] / size), 0 if size >= 1 else 2
        rows = gold.rows("value_bins", size, bins)
        users, buyers = number(found["users"]), number(found["buyers"])
        note = f"{buyers} of {users} users have brought revenue, half of them more than {number(found['half'])}."
        note += f" The first tenth of them brought {percent(found['share'])} of it."
        for row in rows:
            start, until = row["bin"] * size, (row["bin"] + 1) * size
            upper = f"to {number(until, places)}" if row["bin"] < bins - 1 else "and more"
            row.update(start=start, until=until, name=f"{number(start, places)} {upper}")
            row["tip"] = f"Revenue: {row['name']}\nUsers: {number(row['value'])}"
    return Figure(
        "Distribution of user value",
        note,
        f"Users by the revenue that each has brought. {note}",
        ["Revenue", "Users"],
        [[row["name"], number(row["value"])] for row in rows],
        charts.histogram(rows),
    )


# --- health ---------------------------------------------------------------------------------------


def health(gold: Gold, now: datetime, first: date | None, last: date | None, days: int | None) -> dict[str, object]:
    """Freshness, tables, rejected rows and runs."""
    rebuilt = {row["model"]: row for row in gold.rows("last_rebuilt")}
    tables = [
        {
            "name": name,
            "rows": found.count_rows(),
            "files": len(found.files),
            "bytes": sum(file.size for file in found.filesystem.get_file_info(found.files)),
            "last": rebuilt.get(name),
        }
        for name, found in gold.tables.items()
        if name != "run_metrics"
    ]
    (last_days,) = gold.rows("last_days")
    freshness = gold.rows("newest", *last_days.values())
    for row in freshness:
        row["age"] = age_text(now - row["at"]) if row["at"] else "–"
        row["last"] = rebuilt.get(row["entered"])
    rejected = gold.rows("rejected_by_reason")
    runs = gold.rows("runs")
    for run in runs:
        reasons = sum((reasons_of(part["reasons"], part["rebuilt"]) for part in run["parts"]), Counter[str]())
        run["why"] = ", ".join(f"{reason}: {number(count)}" for reason, count in reasons.most_common())
    return {
        "freshness": freshness,
        "tables": tables,
        "rejected": rejected,
        "rejected_days": rejected_days(gold, first, last) if first and last and rejected else None,
        "runs": runs[:8],
        "seconds": seconds(runs),
    }


def rejected_days(gold: Gold, first: date, last: date) -> Figure:
    """Rejected rows by day and reason. An invalid timestamp names no day."""
    step, first = step_of(first, last)
    rows = named(gold.rows("rejected_daily", step, first, last), step)
    reasons = {"duplicate": "Duplicate", "missing_id": "Missing id", "invalid_amount": "Invalid amount"}
    return over_time(rows, step, "Rejected rows by day", "The day of their own timestamp.", reasons)


def seconds(runs: Sequence[Row]) -> Figure:
    """How long the last runs took."""
    rows: list[Row] = [{"name": moment_text(run["started"]), "value": run["seconds"]} for run in reversed(runs)]
    for row, run in zip(rows, reversed(runs), strict=True):
        row["tip"] = f"{row['name']}\nSeconds: {row['value']:.1f}\nPartitions rebuilt: {number(run['rebuilt'])}"
    return Figure(
        "Seconds by run",
        "In which models ran. The last 30 runs.",
        f"Seconds by run. Last: {rows[-1]['tip']}." if rows else "",
        ["Run", "Seconds"],
        [[row["name"], f"{row['value']:.1f}"] for row in reversed(rows)],
        charts.columns(rows),
    )


def reasons_of(text: str | None, rebuilt: int) -> Counter[str]:
    """`file added: 2, code changed: 1` as counts. A reason that stands alone is that of all."""
    parts = [part.split(": ") for part in (text or "").split(", ") if part]
    return Counter({reason: int(count[0]) if count else rebuilt for reason, *count in parts})


def tests(results: Path, gold: Gold) -> dict[str, object] | None:
    """What dbt's last command found, if it asked tests: how many passed, and those that did not."""
    said = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {"results": []}
    found = [result for result in said["results"] if result["unique_id"].split(".")[0] in ("test", "unit_test")]
    if not found:
        return None
    count = Counter(result["status"] for result in found)
    return {
        "at": datetime.fromisoformat(said["metadata"]["generated_at"].rstrip("Z")),
        "of_this_gold": said["metadata"]["invocation_id"] in {run["invocation_id"] for run in gold.rows("runs")},
        "passed": count["pass"],
        "warned": count["warn"],
        "failed": count["fail"] + count["error"],
        "found": [
            {"name": result["unique_id"].split(".")[2], **result}
            for status in ("error", "fail", "warn")
            for result in found
            if result["status"] == status
        ],
    }


# --- words ----------------------------------------------------------------------------------------


def number(value: float | None, places: int = 0, short: bool = False) -> str:
    """With commas, and a decimal where it is small and no whole number. `short`: 1.23 M instead of 1,230,000."""
    if value is None:
        return "–"
    for unit, letters in ((1e9, "bn"), (1e6, "M")) if short else ():
        if abs(value) >= unit:
            return f"{value / unit:,.2f} {letters}"
    if not places and abs(value) < 10 and value != int(value):
        places = 1
    return f"{value:,.{places}f}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f} %"


def nice(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, …"""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= value)


def day_text(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def moment_text(value: datetime) -> str:
    return f"{day_text(value)}, {value:%H:%M}"


def size_text(value: float) -> str:
    """Bytes in thousands."""
    power = min(int(math.log10(max(value, 1)) // 3), 4)
    return f"{value / 1000**power:,.0f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def age_text(value: timedelta) -> str:
    hours = max(value.total_seconds() / 3600, 0)
    return f"{hours / 24:,.0f} days" if hours >= 48 else f"{hours:.0f} hours"
