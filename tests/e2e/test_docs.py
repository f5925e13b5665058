"""dbt's site in a browser, and its pages that are made from the models.

Guards against a site that does not open or draw, an overview that misses a table, and pages that say something else
than the models: the star, and where columns come from. In make test the site is made from the contracts alone; the
other one has a catalog of Gold, and is served by dbt. What the browser showed is kept in target/screenshots.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from goldkit import lineage, oracle, silver
from goldkit.dbt import Outcome, Warehouse
from goldkit.environment import PROJECT
from goldkit.lineage import Column, Lineage

from .conftest import SCREENSHOTS, NewWarehouse

SEED = 16
OVERVIEW = (PROJECT / "models" / "overview.md").read_text()
# dbt's own page asks for two of its templates and an icon under names that it forgot to fill in (dbt-core 1.10.23).
# Of its graph, Chromium now and then says that it could be drawn faster.
NOT_OURS = ("getIcon", "favicon.ico", "Canvas2D: Multiple readback operations")
# The lineage graph, as its library knows it; nothing as long as there is none.
GRAPH = "document.querySelector('.__________cytoscape_container')?._cyreg.cy"
# Columns that neither choose nor group rows: their values reach just the columns that are made from them.
FREE = {"users": ("name", "email", "city", "phone", "age", "updated_at"), "transactions": ("amount", "delivered_at")}


@pytest.fixture(scope="module")
def contracts(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site without a Gold: columns and types are those of the contracts."""
    warehouse = new_warehouse(tmp_path_factory.mktemp("silver"))
    return generated(warehouse, tmp_path_factory.mktemp("site") / "site", "--empty-catalog", "--no-populate-cache")


def generated(warehouse: Warehouse, site: Path, *options: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_WRITE_JSON", "true")
        outcome: Outcome = warehouse.dbt("docs", "generate", *options)
    assert outcome.success, outcome.message
    shutil.copytree(warehouse.target(), site, ignore=shutil.ignore_patterns("compiled", "run", "*.msgpack"))
    return site


@pytest.fixture(scope="module")
def manifest(contracts: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((contracts / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module", params=["contracts", pytest.param("gold", marks=pytest.mark.long)])
def site(request: pytest.FixtureRequest, contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site. Gold comes after the contracts, since it is a warehouse of the same name."""
    if request.param == "contracts":
        with served(contracts) as address:
            yield address
        return
    gold: Warehouse = request.getfixturevalue("gold")
    catalog = json.loads((generated(gold, tmp_path_factory.mktemp("gold") / "site") / "catalog.json").read_text())
    assert catalog["errors"] is None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = gold.start("docs", "serve", "--no-browser", "--host", "127.0.0.1", "--port", str(port))
    try:
        wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urlopen(address).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"Nothing answers at {address}")


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """The overview. At the end there was no error, and nothing was asked of another machine."""
    page = browser.new_page(viewport={"width": 1400, "height": 900}, base_url=site)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(f"{said.type}: {said.text} {said.location['url']}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((site, "data:")) else wrong.append(sent.url))
    page.goto("/")
    expect(page.get_by_role("heading", name="Where to start")).to_be_visible()
    yield page
    page.close()
    assert [line for line in wrong if not any(name in line for name in NOT_OURS)] == []


def shown(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"docs-{name}.png")


# --- in a browser ---------------------------------------------------------------------------------


def test_overview(page: Page) -> None:
    """With the picture of the star, and the way to the page of origins."""
    shown(page, "overview")
    star = page.get_by_role("img", name=re.compile("^The ten tables"))
    star.scroll_into_view_if_needed()
    expect(star).to_be_visible()
    page.wait_for_function("document.querySelector('img[src$=\"star.svg\"]').naturalWidth > 0")
    shown(page, "star")
    page.get_by_role("link", name="Where each column comes from").click()
    expect(page.get_by_role("heading", name="fact_user_activity")).to_be_visible()
    expect(page.get_by_role("cell", name="fact_transactions.tx_date").first).to_be_visible()
    shown(page, "origins")


def test_a_search_finds_a_column(page: Page) -> None:
    page.get_by_placeholder("Search for models").fill("delivered_order_count")
    found = page.locator(".search-result", has_text="daily_revenue").first
    expect(found).to_contain_text("columns: delivered_order_count")
    shown(page, "search")
    found.click()
    expect(page.get_by_role("heading", name="daily_revenue")).to_be_visible()


def test_a_table_has_its_columns(page: Page, manifest: dict[str, Any]) -> None:
    """Each with its description, and, where dbt's catalog has the table, with its type."""
    page.goto("/#!/model/model.silver_to_gold.fact_transactions")
    columns = manifest["nodes"]["model.silver_to_gold.fact_transactions"]["columns"]
    in_catalog = page.request.get("/catalog.json").json()["nodes"]
    for name, column in columns.items():
        row = page.locator("tr", has=page.get_by_text(name, exact=True)).first
        if in_catalog:
            expect(row).to_contain_text(column["data_type"])
        expect(row).to_contain_text(column["description"].replace("`", ""))
    shown(page, "table")


def test_lineage_is_drawn(page: Page, manifest: dict[str, Any]) -> None:
    """From Silver to those who read Gold, each layer in its colour."""
    # dbt's page reads from its address what to draw only when it is loaded: the link has a `?`, which loads it anew.
    page.get_by_role("link", name="The way from Silver to those who read Gold").click()
    page.wait_for_function(f"{GRAPH}?.nodes().length > 0")
    nodes = dict(page.evaluate(f"{GRAPH}.nodes().map(node => [node.id(), node.style('background-color')])"))
    expected = {id for id in (*manifest["exposures"], *manifest["sources"]) if "exact_manifest" not in id}
    models = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    assert set(nodes) == expected | set(models)
    for id, node in models.items():
        assert nodes[id] == node["docs"]["node_color"], id
    assert page.evaluate(f"{GRAPH}.edges().length") > len(nodes)
    # Something is drawn, and not only known: the canvas of the nodes has points that are not transparent.
    drawn = "[...document.querySelectorAll('canvas')].some(canvas => canvas.width && new Uint32Array(canvas"
    drawn += ".getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer).some(point => point))"
    page.wait_for_function(drawn)
    shown(page, "lineage")


# --- what the pages say ---------------------------------------------------------------------------


def test_overview_has_each_table_with_its_grain(manifest: dict[str, Any]) -> None:
    """In the words with which the table's own description begins; and each link leads to something."""
    for name, node in Lineage(manifest).star_models.items():
        grain = re.split("[,.:]", node["description"])[0]
        assert f"| [{name}](#!/model/{node['unique_id']}) | {grain} |" in OVERVIEW
    ids = re.findall(r"\(#!/[a-z]+/([a-z]+[.][^)]+)\)", OVERVIEW)
    assert ids and set(ids) <= {*manifest["nodes"], *manifest["sources"]}


def test_pages_are_those_of_the_models(manifest: dict[str, Any], tmp_path: Path) -> None:
    """`make docs` writes them. Of the picture its words: another machine may place them a hair elsewhere."""
    for file in lineage.write(manifest, tmp_path):
        kept, made = ((root / file.relative_to(tmp_path)).read_text() for root in (PROJECT, tmp_path))
        if file.suffix == ".svg":
            kept, made = ("\n".join(re.findall(">([^<>]+)</text>", text)) for text in (kept, made))
        assert made and made == kept, f"{file.name} is not current: make docs"


def test_every_column_has_an_origin(manifest: dict[str, Any]) -> None:
    """But for those that have none: counts of rows, and the run's id. Names of countries and statuses are seeds'."""
    found = Lineage(manifest)
    without = {column for column, origin in found.origins.items() if not origin.columns}
    assert without == {
        ("fact_user_activity", "events_count"),
        ("fact_user_activity", "transactions_count"),
        ("daily_active_users", "total_active_users"),
        ("daily_revenue", "transaction_count"),
        ("rejected_events", "invocation_id"),
        ("rejected_transactions", "invocation_id"),
    }
    assert found.joins["user_ltv", "user_id"] == ("dim_users", "user_id")  # by way of two facts that are tested
    assert ("daily_revenue", "month") not in found.joins  # made from a date, and none
    assert {table for table, _ in found.joins} == {name for name in found.star_models if not name.startswith("dim_")}


def test_origins_are_what_makes_a_difference(manifest: dict[str, Any], tmp_path: Path) -> None:
    """Another value in a column of Silver changes the columns of Gold that are said to come from it, and no other.

    The oracle computes both Golds. It shares no code with the models, and knows nothing of their SQL.
    """
    found = Lineage(manifest)
    silver.sample(tmp_path / "silver", days=5, events=300)
    lake = {folder.name: ds.dataset(folder).to_table() for folder in (tmp_path / "silver").iterdir()}

    def gold(name: str, changed: dict[str, pa.Table]) -> dict[Column, Counter[Any]]:
        for dataset, rows in {**lake, **changed}.items():
            (tmp_path / name / dataset).mkdir(parents=True)
            pq.write_table(rows, tmp_path / name / dataset / "all.parquet")
        tables = oracle.gold(tmp_path / name, now=datetime.now().astimezone())
        return {
            (table, column): Counter(tables[table][column].to_pylist())
            for table in found.star_models
            for column in tables[table].column_names
        }

    before = gold("before", {})
    for dataset, columns in FREE.items():
        for column in columns:
            rows = lake[dataset]
            values = pa.array([other(column, value) for value in rows[column].to_pylist()], rows[column].type)
            place = rows.column_names.index(column)
            after = gold(column, {dataset: rows.set_column(place, column, values)})
            changed = {name for name, values in after.items() if values != before[name]}
            assert changed == {name for name in before if (f"silver.{dataset}", column) in found.silver(name)}, column


def other(column: str, value: Any) -> Any:
    """A value that differs, and is as good."""
    if column == "amount":
        return str(Decimal(value) + 1)
    if column in ("updated_at", "delivered_at") and value is not None:
        return value + timedelta(days=1)
    return value and value + ("x" if isinstance(value, str) else 1)
