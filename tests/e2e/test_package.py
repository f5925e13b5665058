"""The package `exact` by itself: its own project, whose lake and models are not ours.

python -m pytest tests/e2e/test_package.py                     # two runs at once, one time
GOLD_RACES=10 python -m pytest tests/e2e/test_package.py -s    # so many times, with this project's own models
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldkit.changes import CHANGES, Lake
from goldkit.dbt import Outcome, Warehouse

from .conftest import assert_exact, session, unreadable
from .toy import STEPS, Toy, contract, copy_of_the_toy, days_and_files, found, wanted

RACES = int(os.environ.get("GOLD_RACES", "0"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy as its first build left it. Equal to what DuckDB computes after each test."""
    folder = tmp_path_factory.mktemp("toy")
    toy = Toy.new(folder, copy_of_the_toy(folder / "project"))
    toy.lake(0)
    assert_right(toy, toy.dbt("build"))
    return toy


def assert_right(toy: Toy, outcome: Outcome) -> None:
    assert outcome.success, outcome.message
    assert found(toy.gold) == wanted(toy.silver)


@pytest.mark.quick
def test_macros_answer_as_they_should(toy: Toy) -> None:
    outcome = toy.dbt("run-operation", "test_macros")
    assert outcome.success, outcome.message


def view_made_at(toy: Toy) -> str:
    (row,) = session().sql("describe extended toy_lake.readings").where("col_name = 'Created Time'").collect()
    return str(row["data_type"])


def test_each_change_rewrites_the_days_that_it_touches(toy: Toy) -> None:
    made_at = view_made_at(toy)
    touched = [
        {"2024-05-06"},
        {"2024-05-06", "2024-05-07"},
        {"2024-05-08"},
        {"2024-05-06", "2024-05-07", "2024-05-08"},
    ]
    for step in range(1, STEPS):
        before = days_and_files(toy.gold)
        toy.lake(step)
        assert_right(toy, toy.dbt("build"))
        changed = {path for path, _ in before.items() ^ days_and_files(toy.gold).items()}
        assert {re.findall("day=([^/]*)", path)[0] for path in changed} == touched[step - 1]
    before = days_and_files(toy.gold)
    assert_right(toy, toy.dbt("build"))
    assert days_and_files(toy.gold) == before
    assert_right(toy, toy.dbt("build", "--full-refresh"))
    assert not before.items() & days_and_files(toy.gold).items()
    assert view_made_at(toy) == made_at  # `create or replace` would take it away under those who read it


# --- other models, and declarations --------------------------------------------------------------


@pytest.mark.long
def test_models_of_others_are_built_beside_it(toy: Toy) -> None:
    """A view, a table, an ephemeral model and an incremental one that say nothing of the package."""
    models = toy.project / "models"
    guests = {
        "warm_days": "{{ config(materialized='view') }} select * from {{ ref('days') }} where warmest > 12",
        "all_days": "{{ config(materialized='table') }} select * from {{ ref('warm_days') }}",
        "some_days": "{{ config(materialized='ephemeral') }} select * from {{ ref('days') }}",
        "more_days": "{{ config(materialized='incremental', file_format='parquet') }}"
        " select * from {{ ref('some_days') }}",
    }
    for name, sql in guests.items():
        no_contract = "{{ config(contract={'enforced': false}, on_schema_change='ignore') }}"
        (models / f"{name}.sql").write_text(no_contract + sql)
    try:
        assert_right(toy, toy.dbt("build"))
        outcome = toy.dbt("build")
        assert_right(toy, outcome)
        assert "UNCHANGED" in outcome.said("days")
        rows = {
            name: session().table(f"toy.{name}").count() for name in ("days", "warm_days", "all_days", "more_days")
        }
        assert rows["warm_days"] == rows["all_days"] < rows["days"] and rows["more_days"] == 2 * rows["days"]
    finally:
        for name in guests:
            (models / f"{name}.sql").unlink()


@pytest.mark.quick
@pytest.mark.parametrize(
    ("meta", "sql", "said"),
    [
        ("{'inputs': []}", "select * from {{ ref('days') }}", "It reads days, which meta.exact does not declare"),
        ("{'input': ['days']}", "select * from {{ ref('days') }}", "meta.exact.input is not known; the keys are"),
        ("{'inputs': {'days': 'day'}}", "select * from {{ ref('days') }}", "The input days names a partition, but"),
        ("{'inputs': []}", "select * from {{ source('lake', 'readings') }}", "It reads lake.readings, which"),
    ],
)
def test_declarations_that_are_not_so_are_refused_while_parsing(toy: Toy, meta: str, sql: str, said: str) -> None:
    model = toy.project / "models" / "liar.sql"
    model.write_text(f"{{{{ config(meta={{'exact': {meta}}}) }}}} {sql}")
    try:
        outcome = toy.dbt("parse")
    finally:
        model.unlink()
    assert not outcome.success and f"liar: {said}" in outcome.message, outcome.message


@pytest.mark.long
def test_input_behind_an_ephemeral_model_counts(toy: Toy) -> None:
    """A day's change reaches a table that names only the ephemeral model between them."""
    models = toy.project / "models"
    (models / "between.sql").write_text(
        "{{ config(materialized='ephemeral', contract={'enforced': false}, on_schema_change='ignore') }}"
        " select * from {{ ref('days') }}"
    )
    sensors = models / "sensors.sql"
    own = sensors.read_text()
    sensors.write_text(
        own.replace("'inputs': ['days',", "'inputs': ['between',").replace("ref('days')", "ref('between')")
    )
    try:
        assert_right(toy, toy.dbt("build"))
        toy.lake(1)
        assert_right(toy, toy.dbt("build"))
    finally:
        sensors.write_text(own)
        (models / "between.sql").unlink()


# --- source files --------------------------------------------------------------------------------


def write(file: Path, table: pa.Table) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file)


def readings(sensor: str, celsius: pa.Array | None = None, at: datetime = datetime(2024, 5, 9, 8)) -> pa.Table:
    """One reading of a sensor."""
    return pa.table(
        {
            "sensor": [sensor],
            "taken_at": [at],
            "celsius": celsius or pa.array([Decimal("7.5")], pa.decimal128(5, 1)),
        }
    )


@pytest.mark.long
def test_files_and_folders_with_odd_names_are_read(toy: Toy, tmp_path: Path) -> None:
    lake, plain = toy.silver / "readings", tmp_path / "lake" / "readings"
    shutil.copytree(lake, plain)
    odd = {
        "a": "odd/{4F2A}.parquet",
        "b": "odd/[x]*?.PARQUET",
        "c": "odd/it's late, again.parquet",
        "d": "odd {1,2}/%41+b=c.parquet",
        "50%off": "sensor=50%off/part.parquet",
        "a/b": "sensor=a%2Fb/part.parquet",
        "e": "odd/two.parquet",
    }
    for number, (sensor, name) in enumerate(odd.items()):
        table = readings(sensor)
        write(plain / "all" / f"{number}.parquet", table)
        if "sensor=" in name:
            table = table.drop_columns("sensor")
        if "two" in name:  # nobody reads either of them
            table = table.append_column("Name", pa.array(["x"])).append_column("name", pa.array([1]))
        write(lake / name, table)
    write(lake / "odd" / "part-0", readings("ignored"))
    outcome = toy.dbt("build")
    assert outcome.success, outcome.message
    assert found(toy.gold) == wanted(plain.parent)
    ignored = "lake.readings ignores 1 files that are not called *.parquet, such as file:"
    assert ignored in (toy.folder / "logs" / "dbt.log").read_text()

    write(lake / "odd" / "twice.parquet", readings("f").append_column("SENSOR", pa.array(["g"])))
    outcome = toy.dbt("build")
    assert not outcome.success and "twice.parquet has two columns called sensor" in outcome.message
    for name in [*odd.values(), "odd/part-0", "odd/twice.parquet"]:
        (lake / name).unlink()
    assert_right(toy, toy.dbt("build"))


@pytest.mark.long
def test_columns_that_files_call_otherwise_are_read(toy: Toy) -> None:
    """Under their own name in some files and another in others; moments as nanoseconds, as a type and as text."""
    yml, before = toy.project / "models" / "_readings.yml", found(toy.gold)
    own = yml.read_text()
    files = [toy.silver / "readings" / "others" / f"{number}.parquet" for number in range(3)]
    day = datetime(2024, 5, 9, 23, 30)
    moments = (
        pa.array([day, day], pa.timestamp("ns")),
        pa.array([day, day], pa.timestamp("us")),
        pa.array([str(day), "never"]),
    )
    files[0].parent.mkdir()
    for file, moment in zip(files, moments, strict=True):
        pq.write_table(pa.table({"device": ["y", "z"], "Measured_At": moment, "celsius": [3.0, 4.5]}), file)
    called = "exact: {day: taken_at, called: {sensor: device, taken_at: measured_at}}"
    yml.write_text(own.replace("exact: {day: taken_at}", called))
    try:
        outcome = toy.dbt("build")
        assert outcome.success, outcome.message
        after = found(toy.gold)
        assert set(before["days"]) < set(after["days"])
        new = [(row[0], row[1], float(row[2]), str(row[3])) for row in set(after["days"]) - set(before["days"])]
        assert sorted(new) == [("y", 3, 3.0, "2024-05-09"), ("z", 2, 4.5, "2024-05-09")]
        yml.write_text(yml.read_text().replace("called: {sensor", "called: {device: x, sensor"))
        outcome = toy.dbt("build")
        assert "names the column device, which is not among its columns" in outcome.message
    finally:
        yml.write_text(own)
        shutil.rmtree(files[0].parent)
    assert_right(toy, toy.dbt("build"))


@pytest.mark.long
def test_many_files_of_another_type_are_read(toy: Toy) -> None:
    """Their names alone are longer than a statement on Glue may be. GOLD_FILES=3000 for ten times as many."""
    folder = toy.silver / "readings" / "integers"
    for number in range(int(os.environ.get("GOLD_FILES", "300"))):
        name = f"{'a long name ' * 15}{number}.parquet"
        write(folder / name, readings(f"s{number}", pa.array([number % 90])))
    assert_right(toy, toy.dbt("build"))
    shutil.rmtree(folder)
    assert_right(toy, toy.dbt("build"))


@pytest.mark.long
def test_file_that_cannot_be_read_is_not_taken_for_an_empty_one(toy: Toy) -> None:
    """Its first and last bytes are those of a parquet file, as they are of one that a storage fails to deliver."""
    file = toy.silver / "readings" / "new" / "broken.parquet"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"PAR1" + bytes(100) + b"\xff\xff\xff\x7fPAR1")
    outcome = toy.dbt("build")
    assert not outcome.success and "broken.parquet" in outcome.message
    write(file, readings("e").slice(0, 0))
    assert_right(toy, toy.dbt("build"))
    write(file, readings("f"))
    assert_right(toy, toy.dbt("build"))


# --- commands that must not harm -----------------------------------------------------------------


def test_commands_that_only_look_change_nothing(toy: Toy) -> None:
    assert_right(toy, toy.dbt("build"))
    before = sorted(toy.gold.rglob("*")), days_and_files(toy.gold)
    for command in (
        ("run", "--empty"),
        ("compile",),
        ("show", "--select", "days"),
        ("docs", "generate"),
        ("test",),
        ("ls",),
    ):
        outcome = toy.dbt(*command)
        assert outcome.success, outcome.message
        assert (sorted(toy.gold.rglob("*")), days_and_files(toy.gold)) == before, command
    sampled = toy.dbt("run", "--sample", "1 day")
    assert not sampled.success and "--sample would leave tables with a part of their rows" in sampled.message
    deferred = toy.dbt("run", "--defer", "--state", str(toy.target()))
    assert not deferred.success and "--defer would read tables of another schema" in deferred.message
    assert (sorted(toy.gold.rglob("*")), days_and_files(toy.gold)) == before


@pytest.mark.long
@pytest.mark.usefixtures("artefacts")
def test_retry_goes_on_where_a_run_failed(toy: Toy) -> None:
    sensors = toy.project / "models" / "sensors.sql"
    own = sensors.read_text()
    sensors.write_text(own.replace("days.readings\n", "cast(raise_error('broken') as bigint) as readings\n"))
    toy.lake(0)
    assert not toy.dbt("build").success
    sensors.write_text(own)
    assert_right(toy, toy.dbt("retry"))


@pytest.mark.long
def test_tables_without_a_model_are_named_and_removed_when_asked(toy: Toy) -> None:
    model = toy.project / "models" / "gone.sql"
    model.write_text(
        "{{ config(contract={'enforced': true}, meta={'exact': {'inputs': ['days']}}) }}"
        " select sensor from {{ ref('days') }}"
    )
    yml = model.with_name("gone.yml")
    yml.write_text("models:\n" + contract("gone", {"sensor": "string"}))
    assert_right(toy, toy.dbt("build"))
    assert (toy.gold / "gone").is_dir()
    model.unlink()
    yml.unlink()
    log = toy.folder / "logs" / "dbt.log"
    assert_right(toy, toy.dbt("build"))
    assert (
        "No model makes gone any more. To see what is left of them: dbt run-operation remove_orphans"
        in log.read_text()
    )
    assert toy.dbt("run-operation", "remove_orphans").success
    assert (toy.gold / "gone").is_dir() and "/gone: would be removed" in log.read_text()
    assert toy.dbt("run-operation", "remove_orphans", "--args", "{dry_run: false}").success
    assert not (toy.gold / "gone").exists()
    assert not session().catalog.tableExists("toy.gone")
    log.unlink()
    assert_right(toy, toy.dbt("build"))
    assert "No model makes" not in log.read_text()


@pytest.mark.long
def test_time_zone_that_moves_days_is_refused(toy: Toy) -> None:
    profile = toy.project / "profiles.yml.example"
    own = profile.read_text()
    profile.write_text(own.replace("timeZone: UTC", "timeZone: Europe/Berlin"))
    before = days_and_files(toy.gold)
    write(toy.silver / "readings" / "new" / "midnight.parquet", readings("midnight", at=datetime(2024, 5, 9, 23)))
    try:
        outcome = toy.dbt("build")
    finally:
        profile.write_text(own)
    assert not outcome.success and "Set spark.sql.session.timeZone: UTC in profiles.yml" in outcome.message
    assert days_and_files(toy.gold) == before
    assert_right(toy, toy.dbt("build"))  # and no day of that zone was remembered


@pytest.mark.parametrize("table", ["exact_claims_*", "exact_listing_*", "exact_manifest"])
def test_file_that_goes_while_a_run_looks_is_not_missed(toy: Toy, table: str) -> None:
    """Another run gives its claim up, overwrites partitions, puts logs together. A session keeps a listing."""
    copies = [toy.gold / "audit" / "claims" / "owner=other" / "part.parquet"]
    copies.append(toy.gold / "audit" / "manifest" / "other" / "part.parquet")
    file = next((toy.gold / "audit" / "manifest").rglob("*.parquet"))
    for copy in copies:
        copy.parent.mkdir(parents=True)
        shutil.copy(file, copy)
    (row,) = session().sql(f"show tables in toy like '{table}'").collect()
    name = f"toy.{row['tableName']}"
    session().catalog.refreshTable(name)
    before = session().table(name).count()
    for copy in copies:
        shutil.rmtree(copy.parent)
    assert len(session().table(name).collect()) < before


def test_columns_that_the_catalog_got_from_others_are_taken_back(toy: Toy) -> None:
    before = days_and_files(toy.gold)
    session().sql("alter table toy.days add columns (note string)")
    assert_right(toy, toy.dbt("build"))
    assert session().table("toy.days").columns == ["sensor", "readings", "warmest", "day"]
    assert days_and_files(toy.gold) == before


def asked(outcome: Outcome, kind: str = "test") -> set[str]:
    """The data tests, or the tests of another kind, that a run asked."""
    return {
        name.split("_")[-1]
        for name, result in outcome.results.items()
        if str(result.node.resource_type) == kind
        and "not run" not in str(result.adapter_response.get("_message"))
    }


@pytest.mark.long
def test_data_tests_are_asked_when_what_they_look_at_changed(toy: Toy) -> None:
    test = toy.project / "tests" / "no_reading_is_hot.sql"
    test.parent.mkdir()
    test.write_text("{{ config(severity='warn') }} select * from {{ ref('days') }} where warmest > 50")
    try:
        assert asked(toy.dbt("build")) >= {"hot"}
        quiet = toy.dbt("build")
        assert_right(toy, quiet)
        assert asked(quiet) == set()
        assert "3 tests were not run" in (toy.folder / "logs" / "dbt.log").read_text()

        hot = toy.silver / "readings" / "hot" / "hot.parquet"
        write(hot, readings("hot", pa.array([99.0]), datetime(2001, 2, 3)))  # a day of its own
        for _ in range(2):  # a test that found something is asked until it finds nothing
            outcome = toy.dbt("build")
            assert "hot" in asked(outcome) and outcome.results["no_reading_is_hot"].failures == 1
        assert asked(outcome) == {"hot"}
        hot.unlink()
        assert asked(toy.dbt("build")) == {"at", "day"}  # the days are those that passed before

        next(toy.gold.glob("sensors/*.parquet")).unlink()
        assert asked(toy.dbt("build")) == {"day"}
        test.write_text(test.read_text().replace("50", "60"))
        assert asked(toy.dbt("build")) == {"hot"}
        test.write_text(test.read_text().replace("60", "60 or day > current_date()"))
        assert [asked(toy.dbt("build")) for _ in range(2)] == [{"hot"}, {"hot"}]
        assert asked(toy.dbt("test")) == {"at", "day", "hot"}
    finally:
        shutil.rmtree(test.parent)


@pytest.mark.long
def test_a_test_of_some_days_opens_no_file_of_others(toy: Toy) -> None:
    others = list(toy.silver.rglob("*.parquet"))
    late = toy.silver / "readings" / "late" / "late.parquet"
    write(late, readings("late", pa.array([1.0]), datetime(2025, 5, 5)))
    assert_right(toy, toy.dbt("build"))
    test = toy.project / "tests" / "readings_are_cold.sql"
    test.parent.mkdir(exist_ok=True)
    test.write_text(
        "select * from {{ source('lake', 'readings') }} where taken_at >= '2025' {{ exact.rows_from('2025-01-01') }}"
    )
    with unreadable(others):
        outcome = toy.dbt("test", "--select", "readings_are_cold")
    shutil.rmtree(test.parent)
    assert outcome.results["readings_are_cold"].failures == 1, outcome.message
    late.unlink()
    assert_right(toy, toy.dbt("build"))


@pytest.mark.long
def test_unit_tests_are_asked_when_their_sql_or_what_they_expect_changed(toy: Toy) -> None:
    test = toy.project / "models" / "_unit.yml"
    test.write_text("""
unit_tests:
  - name: place_is_found
    model: sensors
    given:
      - {input: ref('days'), rows: [{sensor: a, readings: 2, day: "2024-05-06"}]}
      - {input: ref('places'), rows: [{sensor: a, place: roof}]}
    expect: {rows: [{sensor: a, place: roof, readings: 2}]}
""")
    model = toy.project / "models" / "sensors.sql"
    sql = model.read_text()
    try:
        assert asked(toy.dbt("build"), "unit_test") == {"found"}
        quiet = toy.dbt("build")
        assert_right(toy, quiet)
        assert asked(quiet, "unit_test") == set()
        assert "3 tests were not run" in (toy.folder / "logs" / "dbt.log").read_text()
        assert asked(toy.dbt("test"), "unit_test") == {"found"}

        test.write_text(test.read_text().replace("place: roof, readings", "place: cellar, readings"))
        for _ in range(2):  # a test that failed is asked until it passes
            outcome = toy.dbt("build")
            assert asked(outcome, "unit_test") == {"found"} and not outcome.success
        test.write_text(test.read_text().replace("cellar", "roof"))
        assert asked(toy.dbt("build"), "unit_test") == set()  # as it was when it passed

        model.write_text(sql.replace("days.readings\n", "days.readings + 1 as readings\n"))
        broken = toy.dbt("build")
        assert asked(broken, "unit_test") == {"found"} and not broken.success
    finally:
        test.unlink()
        model.write_text(sql)
    assert_right(toy, toy.dbt("build"))


def test_damage_to_its_own_files_is_seen_and_mended(toy: Toy) -> None:
    next(toy.gold.glob("days/*/*.parquet")).unlink()
    for file in toy.gold.glob("sensors/*.parquet"):
        file.unlink()
    outcome = toy.dbt("build")
    assert_right(toy, outcome)
    assert outcome.said("days").startswith("1 of ") and "its own files changed" in outcome.said("days")
    assert "UNCHANGED" not in outcome.said("sensors")


def test_sql_that_breaks_the_contract_is_refused(toy: Toy) -> None:
    model = toy.project / "models" / "days.sql"
    sql, before = model.read_text(), days_and_files(toy.gold)
    model.write_text(sql.replace("count(*) as readings", "cast(count(*) as int) as readings"))
    outcome = toy.dbt("build")
    assert not outcome.success and "readings bigint in the contract, readings int here" in outcome.message
    assert days_and_files(toy.gold) == before
    model.write_text(sql)
    assert_right(toy, toy.dbt("build"))


@pytest.mark.long
def test_rebuild_trusts_nothing_that_is_there(toy: Toy) -> None:
    """A file of the same name and size, which is not what was written: of a table without partitions, too."""
    assert "rebuild is true" in toy.dbt("build", variables={"rebuild_from": "2024-05-06"}).message
    for file in toy.gold.glob("sensors/*.parquet"):
        file.write_bytes(b"PAR1" + bytes(file.stat().st_size - 4))
    assert "UNCHANGED" in toy.dbt("build").said("sensors")
    assert_right(toy, toy.dbt("build", variables={"rebuild": True}))


@pytest.mark.long
def test_first_run_only_explains(tmp_path: Path) -> None:
    """Nothing is there to be asked, and nothing is there afterwards."""
    toy = Toy.new(tmp_path, copy_of_the_toy(tmp_path / "project"), "fresh")
    toy.lake(0)
    outcome = toy.build(variables={"explain": True})
    assert outcome.success, outcome.message
    assert "nothing written, 3 of 3 partitions are stale" in outcome.said("days")
    assert not session().catalog.tableExists("fresh.days")
    settings = toy.project / "dbt_project.yml"
    settings.write_text("".join(line for line in settings.open() if "on-run" not in line))
    outcome = toy.dbt("run", "--select", "days")
    assert not outcome.success and "dbt_project.yml lacks on-run-start" in outcome.message


# --- one writer ----------------------------------------------------------------------------------


def race(first: Warehouse, second: Warehouse) -> list[str]:
    """Two runs at once, each with its own Spark and catalog: one ends well, the other too, or is refused."""
    runs = [warehouse.start("build") for warehouse in (first, second)]
    said = [run.communicate(timeout=900)[0] for run in runs]
    codes = [run.returncode for run in runs]
    assert 0 in codes, "\n".join(said)
    for code, text in zip(codes, said, strict=True):
        assert "did not end" not in text, text  # nobody takes the other for dead
        if code:
            assert "Another run is writing to" in text and "Nothing was touched." in text, text
    return ["refused" if code else "built" for code in codes]


@pytest.mark.long
def test_of_two_runs_at_once_one_is_refused_or_comes_later(toy: Toy, tmp_path: Path) -> None:
    other = Toy("toy", tmp_path / "other", toy.silver, toy.gold, toy.project)
    toy.lake(1)
    race(toy, other)
    assert found(toy.gold) == wanted(toy.silver)
    assert [*(toy.gold / "audit" / "claims").rglob("*.parquet")] == []
    assert_right(toy, toy.dbt("build"))


def test_a_run_beside_another_is_refused_and_one_after_a_kill_is_right(toy: Toy, tmp_path: Path) -> None:
    """The other one is stopped while it writes, and then killed. It has a Spark and a catalog of its own."""
    other = Toy("toy", tmp_path / "other", toy.silver, toy.gold, toy.project)
    process = other.start("build", "--vars", '{"rebuild": true}')
    assert process.stdout
    for line in process.stdout:
        if "START" in line and "toy.days" in line:
            break
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGSTOP)
    refused = toy.dbt("build")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not refused.success
    assert "Another run is writing to" in refused.message and "Nothing was touched." in refused.message
    claims = toy.gold / "audit" / "claims"
    assert [*claims.rglob("*.parquet")]
    assert_right(toy, toy.dbt("build"))
    assert [*claims.rglob("*.parquet")] == []
    assert [*toy.gold.rglob(".spark-staging*")] == []


@pytest.mark.long
@pytest.mark.skipif(not RACES, reason="GOLD_RACES says how many")
def test_of_two_builds_at_once_as_many_times_as_wanted(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "silver", dice := random.Random())
    one = Warehouse("test", tmp_path / "one", lake.root, tmp_path / "gold")
    two = Warehouse("test", tmp_path / "two", lake.root, tmp_path / "gold")
    for number in range(RACES):
        started_at = Outcome.now()
        print(f"{number:3} {race(one, two)}", flush=True)
        assert_exact(one, Outcome(True, "", started_at))
        for change in dice.sample(CHANGES, 3):
            print(f"    {change.__name__}: {change(lake)}", flush=True)


@pytest.mark.long
def test_live_claim_of_another_is_respected_and_a_dead_one_taken_over(toy: Toy) -> None:
    claims = toy.gold / "audit" / "claims"

    def claim(machine: str, process: int) -> None:
        session().sql(
            f"insert overwrite directory '{claims}/owner=other' using parquet"
            f" select current_timestamp() as claimed_at, {machine} as machine, cast({process} as bigint) as process"
        )

    def kept() -> list[str]:
        """What runs keep in a Spark that outlives them, refused ones too."""
        views = session().sql("show views in global_temp like 'exact_*'").collect()
        return [view.viewName for view in views if view.namespace == "global_temp"]

    here = "java_method('java.net.InetAddress', 'getLocalHost')"
    before = days_and_files(toy.gold)
    kept_before = kept()
    for machine, process in (("'another machine'", 1), (here, os.getpid())):
        claim(machine, process)
        outcome = toy.dbt("build", "--full-refresh")
        assert (
            not outcome.success
            and "Another run is writing to" in outcome.message
            and ": other, since" in outcome.message
        )
        assert days_and_files(toy.gold) == before
    assert not toy.dbt("build", variables={"lock_minutes": 0}).success  # its process is there to be seen
    claim("'another machine'", 1)
    assert_right(toy, toy.dbt("build", variables={"lock_minutes": 0}))  # nobody has written for so long
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    claim(here, gone.pid)
    assert_right(toy, toy.dbt("build"))
    claim("'another machine'", 1)
    assert not toy.dbt("build").success
    attempt = toy.gold / "days" / ".spark-staging-0" / "_temporary" / "0" / "_temporary" / "attempt_1" / "day=1"
    attempt.mkdir(parents=True)
    (attempt / "part.parquet").write_bytes(b"what a long insert has written so far")

    def hours_later(*files: Path) -> None:
        for file in files:
            os.utime(file, times=(file.stat().st_mtime - 7200,) * 2)

    hours_later(*(file for file in toy.gold.rglob("*.parquet") if file.parent != attempt))
    assert not toy.dbt("build").success
    hours_later(*toy.gold.rglob("*.parquet"))
    write(toy.silver / "readings" / "new" / "late.parquet", readings("late"))
    assert_right(toy, toy.dbt("build"))  # what this run remembers of the new file is no sign of the other's life
    assert not attempt.exists()
    claim("'another machine'", 1)
    staging = toy.gold / "days" / ".spark-staging-1"
    staging.mkdir()
    (staging / "part.parquet").write_bytes(b"of a run that is at work")
    assert toy.dbt("run-operation", "unlock", "--args", "{owner: one}").success
    assert staging.exists() and [*claims.rglob("*.parquet")]
    assert toy.dbt("run-operation", "unlock").success
    assert not staging.exists()
    assert_right(toy, toy.dbt("build"))
    assert [*claims.rglob("*.parquet")] == []
    assert kept() == kept_before
