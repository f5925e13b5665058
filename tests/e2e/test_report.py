"""The report is right, and looks right in a browser: wide and narrow, light and dark, with years of days and none.

Guards against a page that shows other numbers than Gold holds, that crashes where there is little, and that somebody
cannot read. Gold is laid out from the oracle's tables: the report reads files, and needs no Spark. What the browser
showed is kept in target/screenshots.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from typer.testing import CliRunner

from goldkit import cli, oracle, report, silver
from goldkit.compare import PATHS

from .conftest import SCREENSHOTS

# Shows and hides the tables below the charts.
OPEN = "open => document.querySelectorAll('details').forEach(table => { table.open = open; })"
NOW = datetime.now(timezone.utc)


@dataclass
class Page:
    """A report, and the tables of the Gold that it shows."""

    file: Path
    tables: dict[str, pa.Table]

    @property
    def text(self) -> str:
        """What it says, without its markup."""
        words = re.sub(r"<(style|script|svg)\b.*?</\1>|<[^>]+>", " ", self.file.read_text(), flags=re.DOTALL)
        return re.sub(r"\s+", " ", words)


def lay_out(tables: dict[str, pa.Table], gold: Path) -> None:
    """Write tables as a run does: a folder each, and in it one for each value of the partition column."""
    for name, rows in tables.items():
        last = report.SCHEMAS[name][-1]
        folders = ds.partitioning(pa.schema([last]), flavor="hive") if last.name in report.PARTITION_COLUMNS else None
        folder = gold / PATHS.get(name, f"audit/{name}")
        folder.mkdir(parents=True)
        if rows.num_rows:
            ds.write_dataset(rows, folder, format="parquet", partitioning=folders, max_partitions=2_000)


def compact(silver: Path) -> None:
    """Put the days of each dataset into one file, which the oracle has read sooner."""
    for dataset in silver.iterdir():
        rows = ds.dataset(dataset).to_table()
        shutil.rmtree(dataset)
        ds.write_dataset(rows, dataset, format="parquet")


def with_day(rows: pa.Table, moment: str) -> pa.Table:
    """Rejected rows with the day of their timestamp, as a run finds it."""
    text = rows[moment].cast(pa.string())
    dayless = pc.equal(rows["reason"], "invalid_timestamp")
    days = pc.if_else(pc.or_(dayless, pc.is_null(text)), "unknown-2024-02", pc.utf8_slice_codeunits(text, 0, 10))
    return rows.append_column("rejected_date", days)


def metrics(runs: int) -> pa.Table:
    """The history of so many nightly runs: a first build, and then a file or two each night."""
    rows = [
        {
            "invocation_id": f"run-{run}",
            "run_started_at": NOW - timedelta(days=runs - run, hours=3),
            "model": model,
            "partitions_checked": 90,
            "partitions_rebuilt": 90 if not run else 1 + run % 2,
            "partitions_dropped": 0,
            "rows_written": 1_000,
            "seconds": 40.0 if not run else 2.0 + run % 5,
            "reasons": "first build" if not run else "file added: 1, file replaced: 1" if run % 2 else "file added",
        }
        for run in range(runs)
        for model in PATHS
    ]
    return pa.Table.from_pylist(rows, report.SCHEMAS["run_metrics"])


def results(file: Path) -> Path:
    """What dbt leaves of a command whose tests did not all pass."""
    found = [
        {"unique_id": f"test.silver_to_gold.{name}.1", "status": status, "message": message}
        for name, status, message in (
            ("unique_fact_events_event_id", "fail", "Got 3 results, configured to fail if != 0"),
            ("dim_users_ages_are_plausible", "warn", "Got 7 results, configured to warn if != 0"),
            *((f"fine_{number}", "pass", None) for number in range(40)),
        )
    ]
    metadata = {"invocation_id": "run-2", "generated_at": f"{NOW:%Y-%m-%dT%H:%M:%S.%f}Z"}
    file.write_text(json.dumps({"metadata": metadata, "results": found}))
    return file


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Page]:
    """The reports that the tests look at, each made once."""
    made: dict[str, Page] = {}

    def make(name: str) -> Page:
        if name in made:
            return made[name]
        folder = tmp_path_factory.mktemp(name)
        tables: dict[str, pa.Table] = {}
        if days := {"month": 30, "years": 3 * 365, "tables": 1}.get(name):
            silver.sample(folder / "silver", days=days, events=600 + 8 * days)
            compact(folder / "silver")
            tables = oracle.gold(folder / "silver", now=NOW)
            for rejected, moment in (("rejected_events", "ts"), ("rejected_transactions", "created_at")):
                tables[rejected] = with_day(tables[rejected], moment)
            tables["run_metrics"] = metrics(40 if name == "years" else 3)
            if name == "tables":
                tables = {table: rows.slice(0, 0) for table, rows in tables.items()}
            lay_out(tables, folder / "gold")
        tests = results(folder / "run_results.json") if name == "month" else folder / "none.json"
        found = report.write(str(folder / "gold"), ".local/sample/gold", folder / "index.html", tests)
        assert found == bool(tables)
        made[name] = Page(folder / "index.html", tables)
        return made[name]

    return make


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("years", 1280, "light"),
        ("years", 375, "dark"),
        ("month", 1280, "dark"),
        ("month", 375, "light"),
        ("tables", 375, "dark"),
        ("nothing", 1280, "light"),
    ],
)
def test_in_a_browser(pages: Callable[[str], Page], browser: Browser, name: str, width: int, scheme: str) -> None:
    """No error, no request, no row of the page wider than the screen, and nothing serious in axe's eyes."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(pages(name).file.as_uri())
    for part in ("Numbers", "Health"):
        page.get_by_role("link", name=part).click()
        assert page.locator("main > section:visible").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=SCREENSHOTS / f"{name}-{part.lower()}-{width}-{scheme}.png", full_page=True)
        page.evaluate(OPEN, True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if name == "years":
            continue  # axe takes long over many rows, and has seen one of each kind
        for found in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                wrong.append(f"{found['id']}: {found['nodes'][0]['html']}")
        page.evaluate(OPEN, False)
    context.close()
    assert wrong == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def test_a_chart_says_what_is_under_the_pointer(pages: Callable[[str], Page], browser: Browser) -> None:
    page = browser.new_page()
    page.goto(pages("month").file.as_uri())
    page.locator(".chart").first.hover()
    shown = page.locator("#tip").inner_text()
    assert re.fullmatch(r"\d+ Jan 2024\nRevenue: [\d,]+", shown), shown
    page.close()


@pytest.mark.parametrize("name", ["month", "years"])
def test_shows_what_gold_holds(pages: Callable[[str], Page], name: str) -> None:
    """Numbers that are computed here from the facts, in the headline and among the rejected rows."""
    page = pages(name)
    days = page.tables["dim_date"]["date"].to_pylist()
    last = max(days)
    orders = [row for row in page.tables["fact_transactions"].to_pylist() if (last - row["tx_date"]).days < 30]
    active = [row for row in page.tables["fact_user_activity"].to_pylist() if (last - row["activity_date"]).days < 30]
    delivered = sum(row["status"] == "delivered" for row in orders) / len(orders)
    revenue = report.number(float(sum(row["amount"] for row in orders)), short=True)
    assert f"Revenue {revenue} " in page.text
    assert f"Orders {len(orders):,} " in page.text
    assert f"Active users {len({row['user_id'] for row in active}):,} " in page.text
    assert f"Delivered so far {delivered * 100:.1f} %" in page.text
    for dataset in ("events", "transactions"):
        rejected = page.tables[f"rejected_{dataset}"]["reason"].to_pylist()
        rows = len(rejected) + page.tables[f"fact_{dataset}"].num_rows
        for reason, count in Counter(rejected).items():
            assert f"{dataset} {reason.replace('_', ' ')} {count:,} {count / rows * 100:.2f} %" in page.text


def test_years_are_weeks_and_add_up(pages: Callable[[str], Page]) -> None:
    """Each week is the average of its days, so that weeks times days are all there is."""
    page = pages("years")
    gold = report.Gold(str(page.file.parent / "gold"))
    (calendar,) = gold.rows("calendar")
    weeks = gold.rows("daily", "week", calendar["first"], calendar["last"])
    assert calendar["days"] == sum(week["days"] for week in weeks) == page.tables["dim_date"].num_rows
    revenue = sum(page.tables["daily_revenue"]["total_revenue"].to_pylist())
    assert sum(week["revenue"] * week["days"] for week in weeks) == pytest.approx(float(revenue))
    assert "from the 30 days before" in page.text
    assert page.file.stat().st_size < 1_000_000


def test_health(pages: Callable[[str], Page]) -> None:
    """Tests by name, runs with the reasons of all their tables."""
    text = pages("month").text
    assert "1 failed 40 passed, 1 warned" in text
    assert "unique_fact_events_event_id fail Got 3 results" in text
    assert re.search(r"\d\d:\d\d file added: 12, file replaced: 12 .* \d\d:\d\d first build: 1,080", text)
    assert "No results: dbt's last command asked no test" in pages("years").text


def test_nothing_to_show(pages: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a Gold without rows nor none at all is a crash: the page says what to do."""
    assert "Gold has its tables, but no day with an event or a transaction." in pages("tables").text
    assert "There are no tables in .local/sample/gold. Run make build" in pages("nothing").text
    monkeypatch.setenv("GOLD_BASE", str(tmp_path / "gold"))
    done = CliRunner().invoke(cli.app, ["report", "--out", str(tmp_path / "page" / "index.html")])
    assert done.exit_code == 0, done.output
    assert "There are no tables in" in done.output
    assert (tmp_path / "page" / "index.html").exists()


def test_a_broken_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As one that a run is about to replace: a sentence, not a traceback, and no page of half of Gold."""
    file = tmp_path / PATHS["daily_revenue"] / "month=2024-02" / "part-0.parquet"
    file.parent.mkdir(parents=True)
    file.write_text("no parquet")
    monkeypatch.setenv("GOLD_BASE", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["report", "--out", str(tmp_path / "index.html")])
    assert done.exit_code == 1
    assert "cannot be read" in done.output and "part-0.parquet" in done.output
    assert not (tmp_path / "index.html").exists()
