"""Models of the package `exact` that declare everything that can be declared, and those that it must refuse."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldkit.dbt import Outcome

from .conftest import session
from .toy import Toy, contract, copy_of_the_toy, found, wanted

pytestmark = pytest.mark.long
GUEST = "{{ config(materialized='table', contract={'enforced': false}, on_schema_change='ignore') }}"
EPHEMERAL = GUEST.replace("table", "ephemeral")
MODELS = {
    # The same source by day, and all of it through an ephemeral model.
    "all_readings": EPHEMERAL + " select * from {{ source('lake', 'readings') }}",
    "shares": "{{ config(partition_by=['day'], meta={'exact': {'inputs':"
    " {'lake.readings': 'day', 'all_readings': 'all'}}}) }}"
    " select cast(count(*) as bigint) as readings, (select count(*) from {{ ref('all_readings') }}) as of_all,"
    " cast(try_cast(taken_at as timestamp) as date) as day from {{ source('lake', 'readings') }}"
    " where taken_at is not null group by day",
    # An attribute that is copied from a table, and may change there.
    "places_of_days": "{{ config(partition_by=['day'], meta={'exact': {'inputs': {'days': 'day'}, 'restated_by':"
    " {'dimension': 'places', 'key': 'sensor', 'attributes': {'place': 'place'}}}}) }}"
    " select days.sensor, places.place, days.day from {{ ref('days') }} as days"
    " left join {{ ref('places') }} as places on days.sensor = places.sensor",
    # Two tables behind one name, whose partitions are not those of the reader.
    "both": EPHEMERAL + " select sensor, day from {{ ref('days') }}"
    " union all select sensor, day from {{ ref('places_of_days') }}",
    "months": "{{ config(partition_by=['month'], meta={'exact': {'inputs':"
    """ {'both': "date_format(day, 'yyyy-MM')"}}}) }}"""
    " select sensor, count(*) as days, date_format(day, 'yyyy-MM') as month from {{ ref('both') }}"
    " group by sensor, month",
    # Partitions that no input tells apart, and rows without one; an input that reads nothing.
    "calendar": EPHEMERAL + " select explode(sequence(date'2024-05-01', date'2024-05-31')) as day",
    "by_place": "{{ config(partition_by=['place'], meta={'exact': {'inputs': ['places_of_days', 'calendar']}}) }}"
    " select count(*) as days, place from {{ ref('places_of_days') }} join {{ ref('calendar') }} using (day)"
    " group by place",
}
COLUMNS = {
    "shares": {"readings": "bigint", "of_all": "bigint", "day": "date"},
    "places_of_days": {"sensor": "string", "place": "string", "day": "date"},
    "months": {"sensor": "string", "days": "bigint", "month": "string"},
    "by_place": {"days": "bigint", "place": "string"},
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy with these models."""
    folder = tmp_path_factory.mktemp("declared")
    project = copy_of_the_toy(folder / "project")
    for name, sql in MODELS.items():
        (project / "models" / f"{name}.sql").write_text(sql)
    own = project / "models" / "_readings.yml"
    text = own.read_text().replace("- name: celsius\n", "- name: Celsius\n").replace("day: taken_at", "day: Taken_At")
    assert "Celsius" in text and "Taken_At" in text
    own.write_text(text)
    (project / "models" / "more.yml").write_text("models:\n" + "".join(contract(*item) for item in COLUMNS.items()))
    toy = Toy.new(folder, project, name="declared")
    toy.lake(0)
    assert_right(toy, toy.dbt("build"))
    return toy


def rows(name: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in session().table(f"declared.{name}").collect()), key=repr)


def assert_right(toy: Toy, outcome: Outcome) -> None:
    assert outcome.success, outcome.message
    tables = found(toy.gold)
    assert tables == wanted(toy.silver)
    days = [(sensor, day) for sensor, _, _, day in tables["days"]]
    readings = {day: sum(n for _, n, _, other in tables["days"] if other == day) for _, day in days}
    places = dict(rows("places"))
    assert rows("shares") == sorted(((n, sum(readings.values()), day) for day, n in readings.items()), key=repr)
    assert rows("places_of_days") == sorted(((sensor, places.get(sensor), day) for sensor, day in days), key=repr)
    sensors = {sensor for sensor, _ in days}
    assert rows("months") == sorted((s, 2 * sum(s == other for other, _ in days), "2024-05") for s in sensors)
    known = {places[sensor] for sensor in sensors if places.get(sensor)}
    assert rows("by_place") == sorted(
        ((sum(places.get(sensor) == place for sensor, _ in days), place) for place in known), key=repr
    )


def another_day(toy: Toy) -> None:
    toy.lake(1)


def lost_partition(toy: Toy) -> None:
    """Only this one is rebuilt, and the source's other files count for it too."""
    shutil.rmtree(toy.gold / "shares" / "day=2024-05-08")


def dimension(toy: Toy) -> None:
    """The attribute changes, and the catalog has lost the table that copies it."""
    seed = toy.project / "seeds" / "places.csv"
    seed.write_text(seed.read_text().replace("a,", "a,new "))
    session().sql("drop table declared.places_of_days")


def seed_again(toy: Toy) -> None:
    seed = toy.project / "seeds" / "places.csv"
    seed.write_text(seed.read_text().replace("new ", ""))


@pytest.mark.parametrize("change", [another_day, lost_partition, dimension, seed_again])
def test_each_declaration_is_exact(toy: Toy, change: Callable[[Toy], None]) -> None:
    change(toy)
    outcome = toy.dbt("build")
    if change in (dimension, seed_again):  # the toy's own tables are compared with the seed of the repository
        assert outcome.success, outcome.message
        places = dict(rows("places"))
        assert all(place == places.get(sensor) for sensor, place, _ in rows("places_of_days"))
    if change is not dimension:
        assert_right(toy, outcome)
    again = toy.dbt("build")
    assert all("UNCHANGED" in again.said(name) for name in COLUMNS)


def test_another_partition_column_asks_for_a_full_refresh(toy: Toy) -> None:
    model, yml = toy.project / "models" / "months.sql", toy.project / "models" / "more.yml"
    before = model.read_text(), yml.read_text()
    model.write_text(
        "{{ config(partition_by=['sensor'], meta={'exact': {'inputs': ['both']}}) }}"
        " select count(*) as days, date_format(day, 'yyyy-MM') as month, sensor from {{ ref('both') }}"
        " group by sensor, month"
    )
    columns = {**COLUMNS, "months": {"days": "bigint", "month": "string", "sensor": "string"}}
    yml.write_text("models:\n" + "".join(contract(*item) for item in columns.items()))
    outcome = toy.dbt("build")
    assert not outcome.success and "The contract of declared.months changed." in outcome.message
    assert toy.dbt("build", "--full-refresh", "--select", "months").success
    assert len(rows("months")) == len({sensor for sensor, *_ in found(toy.gold)["days"]})
    model.write_text(before[0])
    yml.write_text(before[1])
    assert toy.dbt("build", "--full-refresh", "--select", "months").success
    assert_right(toy, toy.dbt("build"))


@pytest.mark.parametrize(
    ("config", "columns", "said"),
    [
        ("partition_by=['day', 'sensor']", "sensor, day", "has one partition column or none"),
        ("partition_by=['sensor']", "sensor, day", "let sensor be the last column of the contract"),
        ("schema='other'", "sensor, day", "makes tables in declared, not in declared_other"),
        ("alias='Wrong'", "sensor, day", "call it wrong"),
        ("alias='audit'", "sensor, day", "among files of the engine itself"),
    ],
)
def test_tables_that_the_engine_does_not_make(toy: Toy, config: str, columns: str, said: str) -> None:
    meta = "meta={'exact': {'inputs': ['days']}}"
    refused(toy, f"{{{{ config({config}, {meta}) }}}} select {columns} from {{{{ ref('days') }}}}", said)


@pytest.mark.parametrize(
    ("meta", "sql", "said"),
    [
        ("'inputs': ['guest']", "select sensor from {{ ref('guest') }}", "It reads guest, of which the engine"),
        (
            "'inputs': {'days': 'day'}, 'restated_by':"
            " {'dimension': 'guest', 'key': 'sensor', 'attributes': {'a': 'b'}}",
            "select sensor, day from {{ ref('days') }} join {{ ref('guest') }} using (sensor)",
            "It reads guest, of which the engine",
        ),
        (
            "'inputs': {'days': 'day'}, 'complete_in': 'shares'",
            "\n-- {{ ref('shares') }}\nselect sensor, day from {{ ref('days') }}",
            "complete_in counts rows of source files, and days is a table",
        ),
        (
            "'inputs': ['days'], 'restated_by': {'dimension': 'places', 'key': 'sensor', 'attributes': {'a': 'b'}}",
            "select sensor, day from {{ ref('days') }} join {{ ref('places') }} using (sensor)",
            "give the dimension to inputs as 'all' instead",
        ),
        (
            "'inputs': {'lake.readings': 'day'}, 'complete_in': 'days'",
            "select sensor, cast(taken_at as date) as day from {{ source('lake', 'readings') }}",
            "It is compared with days, which dbt may build later",
        ),
        ("'inputs': {'places': 'day'}", "select sensor, day from {{ ref('places') }}", "places has no partitions"),
        ("'inputs': {'lake.places': 'day'}", "select * from {{ source('lake', 'places') }}", "places has no day"),
        ("'inputs': ['lake.free']", "select * from {{ source('lake', 'free') }}", "Give the source meta.exact"),
        ("'inputs': ['days', 'sensors']", "select * from {{ ref('days') }}", "The input sensors is not read"),
        ("'inputs': []", "select * from {{ hidden() }}", "It reads days, which meta.exact does not declare"),
    ],
)
def test_inputs_that_cannot_be_followed(toy: Toy, meta: str, sql: str, said: str) -> None:
    config = "partition_by=['day'], " if "{'" in meta.split("restated")[0] else ""
    refused(toy, f"{{{{ config({config}meta={{'exact': {{{meta}}}}}) }}}} {sql}", said)


def refused(toy: Toy, sql: str, said: str) -> None:
    """Not a file is written, and the line says what to do."""
    files = {
        "models/wrong.sql": sql,
        "models/guest.sql": GUEST + " select 'a' as sensor",
        "models/wrong.yml": "sources:\n  - name: lake\n    schema: declared_lake\n    tables:\n      - name: free\n"
        "      - name: places\n        config: {meta: {exact: {}}}\n        columns: [{name: sensor}]\n"
        "models:\n" + contract("wrong", {"sensor": "string", "day": "date"}),
        "macros/hidden.sql": "{% macro hidden() %}{{- return(ref('days')) -}}{% endmacro %}",
    }
    for name, text in files.items():
        (toy.project / name).write_text(text)
    before = sorted(toy.gold.rglob("*"))
    try:
        outcome = toy.dbt("build")
    finally:
        for name in files:
            (toy.project / name).unlink()
    assert not outcome.success and said in outcome.message, outcome.message
    assert sorted(toy.gold.rglob("*")) == before


def test_column_that_is_declared_later_is_read_from_old_files_too(toy: Toy) -> None:
    """Also where it stands in the name of a folder, in capitals, and columns are called by their table's name."""
    yml, sql = toy.project / "models" / "_readings.yml", toy.project / "models" / "shares.sql"
    before = yml.read_text(), sql.read_text(), COLUMNS["shares"]
    file = toy.silver / "readings" / "Site=North" / "part.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"sensor": ["z"], "taken_at": [datetime(2024, 5, 9, 1)], "note": ["cold"]}), file)
    assert toy.dbt("build").success
    yml.write_text(
        before[0].replace(
            "          - name: Celsius\n",
            "          - name: Celsius\n          - name: note\n          - name: Site\n",
        )
    )
    sql.write_text(
        before[1]
        .replace(
            "(select count(*) from {{ ref('all_readings') }}) as of_all",
            "max(readings.note) as note, max(readings.site) as site",
        )
        .replace("'all_readings': 'all'", "")
        .replace("', }", "'}")
    )
    more = toy.project / "models" / "more.yml"
    own = more.read_text()
    columns = {"readings": "bigint", "note": "string", "site": "string", "day": "date"}
    more.write_text("models:\n" + "".join(contract(*item) for item in {**COLUMNS, "shares": columns}.items()))
    try:
        outcome = toy.dbt("build", "--full-refresh", "--select", "shares")
        assert outcome.success, outcome.message
        assert ("cold", "North") in {row[1:3] for row in rows("shares")}
        shutil.rmtree(toy.gold / "shares" / "day=2024-05-09")
        outcome = toy.dbt("build", "--select", "shares")  # of one day alone, whose files are named
        assert outcome.success, outcome.message
        assert ("cold", "North") in {row[1:3] for row in rows("shares")}
    finally:
        file.unlink()
        for path, text in ((yml, before[0]), (sql, before[1]), (more, own)):
            path.write_text(text)
    assert toy.dbt("build", "--full-refresh", "--select", "shares").success
    assert_right(toy, toy.dbt("build"))


def test_more_partitions_than_a_statement_may_name(toy: Toy) -> None:
    """Inserts of a partition each; and what a table had before it was replaced as a whole is in views."""
    assert_right(toy, toy.dbt("build", variables={"partitions_per_statement": 1, "rebuild": True}))
    again = toy.dbt("build")
    assert all("UNCHANGED" in again.said(name) for name in COLUMNS)


def test_rows_whose_partition_is_empty_text(toy: Toy) -> None:
    sql = toy.project / "models" / "by_place.sql"
    own = sql.read_text()
    sql.write_text(
        own.replace(
            "select count(*) as days, place", "select count(*) as days, coalesce(place, '') as place"
        ).replace("group by place", "group by coalesce(place, '')")
    )
    try:
        assert_right(toy, toy.dbt("build"))
        assert_right(toy, toy.dbt("build"))
    finally:
        sql.write_text(own)
    assert_right(toy, toy.dbt("build"))


def test_text_of_a_seed_that_dbt_reads_as_a_number(toy: Toy) -> None:
    seed = toy.project / "seeds" / "places.csv"
    own = seed.read_text()
    seed.write_text(own + "007,9\n")
    try:
        assert toy.dbt("seed").success  # text, since other rows are
        seed.write_text("sensor,place\n007,9\n")
        outcome = toy.dbt("seed")
    finally:
        seed.write_text(own)
    assert not outcome.success and "under config: column_types: {sensor: string}" in outcome.message
    try:
        seed.write_text("sensor,place\n")
        assert toy.dbt("seed").success and rows("places") == []
        seed.write_text("sensor,place,floor\na,b,1\n")
        assert "has the columns sensor, place, floor, and its yml describes" in toy.dbt("seed").message
    finally:
        seed.write_text(own)
    assert_right(toy, toy.dbt("build"))


def test_guest_that_was_one_of_the_engines_is_no_orphan(toy: Toy, tmp_path: Path) -> None:
    """In a Spark of its own, which knows no views of an earlier run."""
    model = toy.project / "models" / "by_place.sql"
    own = model.read_text()
    model.write_text("{{ config(materialized='view', contract={'enforced': false}) }} select 1 as one")
    gone = Toy("declared", tmp_path, toy.silver, toy.gold, toy.project)
    try:
        process = gone.start("run-operation", "remove_orphans", "--args", "{dry_run: false}")
        said = process.communicate(timeout=300)[0]
    finally:
        model.write_text(own)
    assert process.returncode == 0, said
    assert "Every table that the engine made is still a model or a seed." in said
    assert_right(toy, toy.dbt("build"))
