"""The oracle against the contract: one test a rule, each expected value worked out by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldkit import silver
from goldkit.compare import GOLD_SCHEMAS, PATHS, differences, read_table
from goldkit.oracle import USED, gold

pytestmark = pytest.mark.quick

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Gold = Callable[..., Tables]

NOW = datetime(2024, 6, 1, 12, tzinfo=timezone.utc)


def event(event_id: str | None = "e1", **columns: Any) -> Row:
    return {
        "event_id": event_id,
        "user_id": "u1",
        "ts": "2024-02-03 10:00:00",
        "country": "US",
    } | columns


def user(user_id: str | None = "u1", **columns: Any) -> Row:
    return dict.fromkeys(USED["users"]) | {"user_id": user_id} | columns


def transaction(tx_id: str | None = "t1", **columns: Any) -> Row:
    return {
        "tx_id": tx_id,
        "user_id": "u1",
        "amount": "10.00",
        "status": "paid",
        "created_at": "2024-02-03 10:00:00",
        "delivered_at": None,
    } | columns


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]


def pick(rows: Iterable[Row], *columns: str) -> list[tuple[Any, ...]]:
    """These columns of the rows, in an order that does not depend on the oracle's."""
    return sorted((tuple(row[column] for column in columns) for row in rows), key=repr)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A Silver folder whose three datasets hold one file without rows."""
    for dataset, columns in USED.items():
        empty = pa.schema([(column, pa.string()) for column in columns])
        silver.write(tmp_path / "silver" / dataset / "empty.parquet", [], empty)
    return tmp_path / "silver"


@pytest.fixture
def compute(lake: Path, tmp_path: Path) -> Gold:
    """Gold as lists of rows, from the lake with more rows of text, and options of the oracle."""
    countries, statuses = tmp_path / "countries.csv", tmp_path / "order_statuses.csv"
    countries.write_text(
        "country,country_name,region\nUS,United States,Americas\nNA,Namibia,Africa\n"
    )
    statuses.write_text("status,is_delivered,description\ndelivered,true,Handed over\n")

    def gold_of(**rows: Any) -> Tables:
        for dataset in rows.keys() & USED.keys():
            silver.write(lake / dataset / "rows.parquet", rows.pop(dataset))
        options: Row = {"now": NOW, "countries": countries, "statuses": statuses} | rows
        tables = gold(lake, **options)
        return {name: table.to_pylist() for name, table in tables.items()}

    return gold_of


# --- reading Silver -------------------------------------------------------------------------------


def test_no_rows_give_every_table_empty_in_the_contract_s_schema(lake: Path) -> None:
    tables = gold(lake, now=NOW)
    assert {name: table.schema for name, table in tables.items()} == GOLD_SCHEMAS
    assert not any(table.num_rows for table in tables.values())


def test_missing_dataset_is_an_error_that_names_it(lake: Path) -> None:
    (lake / "users" / "empty.parquet").unlink()
    with pytest.raises(FileNotFoundError, match="users"):
        gold(lake, now=NOW)


def test_unreadable_file_is_an_error_that_names_it(lake: Path) -> None:
    (lake / "events" / "broken.parquet").write_text("no parquet")
    with pytest.raises(duckdb.Error, match="broken"):
        gold(lake, now=NOW)


def test_files_differ_in_columns_and_types(lake: Path, compute: Gold) -> None:
    moment = datetime(2024, 2, 3, 10, 0, 0, 250_000)
    kinds = {
        "micros": pa.timestamp("us"),
        "nanos": pa.timestamp("ns"),
        "utc": pa.timestamp("us", "UTC"),
        "berlin": pa.timestamp("us", "Europe/Berlin"),
        "day": pa.date32(),
        "void": pa.null(),
    }
    for name, kind in kinds.items():
        schema = pa.schema([("ts", kind), ("event_id", pa.string()), ("more", pa.list_(pa.int8()))])
        value = {"day": moment.date(), "void": None}.get(name, moment)
        silver.write(lake / f"events/{name}.parquet", [{"ts": value, "event_id": name}], schema)
    int96 = pa.schema([("ts", pa.timestamp("us")), ("event_id", pa.int64())])
    silver.write(lake / "events/int96.parquet", [{"ts": moment, "event_id": 96}], int96, int96=True)
    tables = compute(events=[event("text")])
    at = utc(2024, 2, 3, 10, 0, 0, 250_000)
    assert pick(tables["fact_events"], "event_id", "ts", "user_id", "country") == [
        ("96", at, None, None),
        ("berlin", at, None, None),
        ("day", utc(2024, 2, 3), None, None),
        ("micros", at, None, None),
        ("nanos", at, None, None),
        ("text", utc(2024, 2, 3, 10), "u1", "US"),
        ("utc", at, None, None),
    ]
    assert pick(tables["rejected_events"], "event_id", "ts", "reason") == [
        ("void", None, "invalid_timestamp")
    ]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pa.timestamp("us"), -62_135_596_800_000_000, "0001-01-01 00:00:00"),
        (pa.timestamp("us"), -62_135_596_800_000_001, "0000-12-31 23:59:59.999999"),
        (pa.timestamp("ms"), -62_198_755_200_000, "-0001-01-01 00:00:00"),
        (pa.timestamp("us", "UTC"), 253_402_300_800_000_000, "+10000-01-01 00:00:00"),
        (pa.timestamp("ns"), -1, "1969-12-31 23:59:59.999999"),
        (pa.timestamp("ns"), -1_000, "1969-12-31 23:59:59.999999"),
        (pa.date32(), -719_162, "0001-01-01"),
        (pa.date32(), -719_893, "-0001-01-01"),
        (pa.date32(), 2_932_897, "+10000-01-01"),
        (pa.int64(), 1_706_954_400, "1706954400"),
    ],
)
def test_moment_of_any_era_is_rejected_as_its_text(
    lake: Path, compute: Gold, kind: pa.DataType, value: int, text: str
) -> None:
    pq.write_table(pa.table({"event_id": ["e"], "ts": pa.array([value], kind)}), lake / "events" / "old.parquet")
    assert pick(compute()["rejected_events"], "ts", "reason") == [(text, "invalid_timestamp")]


def test_column_absent_from_a_file_is_read_from_its_folder(lake: Path, compute: Gold) -> None:
    for number, country in enumerate(("NA", "Côte d'Ivoire", "a=b/c", None)):
        rows = [{"event_id": f"e{number}", "ts": "2024-02-03"}]
        silver.write(lake / "events" / silver.folder("country", country) / "a.parquet", rows)
    silver.write(lake / "events" / "country=DE" / "a.parquet", [event("own", country="US")])
    assert pick(compute()["fact_events"], "event_id", "country") == [
        ("e0", "NA"),
        ("e1", "Côte d'Ivoire"),
        ("e2", "a=b/c"),
        ("e3", None),
        ("own", "US"),
    ]


# --- sanitation -----------------------------------------------------------------------------------


def test_text_is_trimmed_of_spaces_only_and_empty_text_is_null(compute: Gold) -> None:
    texts = {"a": "  US ", "b": "", "c": "   ", "d": "\u00a0US\t", "e": "us", "f": "N A"}
    tables = compute(events=[event(key, country=text) for key, text in texts.items()])
    assert pick(tables["fact_events"], "event_id", "country") == [
        ("a", "US"),
        ("b", None),
        ("c", None),
        ("d", "\u00a0US\t"),
        ("e", "us"),
        ("f", "N A"),
    ]


def test_status_is_lower_cased(compute: Gold) -> None:
    (row,) = compute(transactions=[transaction(status=" DeLivered ")])["fact_transactions"]
    assert row["status"] == "delivered"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (" 2024-02-03 ", utc(2024, 2, 3)),
        ("2024-2-3", utc(2024, 2, 3)),
        ("2024-02-29 23:59", utc(2024, 2, 29, 23, 59)),
        ("2024-02-03 1:2:3", utc(2024, 2, 3, 1, 2, 3)),
        ("2024-02-03T10:00:00.5", utc(2024, 2, 3, 10, 0, 0, 500_000)),
        ("2024-02-03 10:00:00.1234569", utc(2024, 2, 3, 10, 0, 0, 123_456)),
        ("2024-02-03T10:00:00Z", utc(2024, 2, 3, 10)),
        ("2024-02-03T10", utc(2024, 2, 3, 10)),
        ("2024-02-03 10:00:00 +01:00", utc(2024, 2, 3, 9)),
        ("2024-02-03 10:00:00 UTC", utc(2024, 2, 3, 10)),
        ("2024-02-03 01:00:00+02:30", utc(2024, 2, 2, 22, 30)),
        ("2024-02-03 22:00:00-05", utc(2024, 2, 4, 3)),
    ],
)
def test_timestamp_text_is_read_as_utc(compute: Gold, text: str, moment: datetime) -> None:
    (row,) = compute(events=[event(ts=text)])["fact_events"]
    assert (row["ts"], row["event_date"]) == (moment, moment.date())


def test_timestamp_that_does_not_parse_is_null(compute: Gold) -> None:
    texts = (
        *("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-01", "0000-00-00", "2024-02-03 25:00"),
        *("2024-02-03 24:00:00", "2024-02-03 10:60", "2024-02-03 10:", "2024", "2024-02", "10:00"),
        *("20240203", "03.02.2024", "1706954400", "now", "infinity", "epoch", "2024-02-03 Mars"),
    )
    tables = compute(events=[event(f"e{n}", ts=text) for n, text in enumerate(texts)])
    assert tables["fact_events"] == []
    assert pick(tables["rejected_events"], "ts", "reason") == sorted(
        (text, "invalid_timestamp") for text in texts
    )


def test_timestamp_before_the_earliest_date_or_a_day_after_the_run_is_null(compute: Gold) -> None:
    def around(first: str, last: str, **options: Any) -> list[str]:
        moments = (f"{first} 00:00:00", last, f"{last}.000001", "1999-12-31 23:59:59.999999")
        rows = [event(f"e{n}", ts=moment) for n, moment in enumerate(moments)]
        return [row["event_id"] for row in compute(events=rows, **options)["fact_events"]]

    assert sorted(around("2000-01-01", "2024-06-02 12:00:00")) == ["e0", "e1"]
    options = {"earliest": date(2024, 1, 1), "now": datetime(2024, 3, 1)}
    assert sorted(around("2024-01-01", "2024-03-02 00:00:00", **options)) == ["e0", "e1"]


def test_range_applies_to_delivered_at_and_updated_at(compute: Gold) -> None:
    tables = compute(
        transactions=[transaction(delivered_at="9999-12-31")],
        users=[user(updated_at="1999-12-31")],
    )
    assert pick(tables["fact_transactions"], "delivered_at") == [(None,)]
    assert pick(tables["dim_users"], "updated_at") == [(None,)]


def test_age_is_a_whole_number_in_the_range_of_int(compute: Gold) -> None:
    ages: dict[str | None, int | None] = {
        **{" 42 ": 42, "42.0": 42, "4.2e1": 42, "-1": -1, "2147483647": 2_147_483_647},
        **dict.fromkeys(("42.7", "2147483648", "1e400", "NaN", "forty", "1_000", "", None)),
    }
    rows = compute(users=[user(f"u{n}", age=age) for n, age in enumerate(ages)])["dim_users"]
    assert {row["user_id"]: row["age"] for row in rows} == {
        f"u{n}": age for n, age in enumerate(ages.values())
    }


def test_amount_is_rounded_half_up_from_its_text(compute: Gold) -> None:
    amounts = {
        **{"2.675": "2.68", "-2.675": "-2.68", "2.6749999": "2.67", "0.005": "0.01", "-0.004": "0"},
        **{" 7 ": "7", "+7": "7", ".5": "0.5", "1e3": "1000", "26.75e-1": "2.68"},
        **{"9999999999999999.994": "9999999999999999.99"},
    }
    rows = compute(transactions=[transaction(amount, amount=amount) for amount in amounts])
    assert {row["tx_id"]: row["amount"] for row in rows["fact_transactions"]} == {
        amount.strip(): Decimal(value) for amount, value in amounts.items()
    }


def test_amount_of_type_double_is_rounded_from_its_shortest_text(lake: Path, compute: Gold) -> None:
    schema = pa.schema(
        [("tx_id", pa.string()), ("created_at", pa.date32()), ("amount", pa.float64())]
    )
    rows = [transaction("t1", amount=2.675), transaction("t2", amount=float("nan"))]
    rows = [row | {"created_at": date(2024, 2, 3)} for row in rows]
    silver.write(lake / "transactions" / "double.parquet", rows, schema)
    tables = compute()
    assert pick(tables["fact_transactions"], "amount") == [(Decimal("2.68"),)]
    assert pick(tables["rejected_transactions"], "amount") == [("NaN",)]


# --- rejected rows --------------------------------------------------------------------------------


def test_amount_that_is_null_or_does_not_parse_is_rejected(compute: Gold) -> None:
    texts = ("1,234", "1_000", "NaN", "inf", "0x10", "ten", "9999999999999999.995", "1e16", "")
    rows = [transaction(f"t{n}", amount=text) for n, text in enumerate((*texts, None))]
    tables = compute(transactions=rows)
    assert tables["fact_transactions"] == []
    assert pick(tables["rejected_transactions"], "tx_id", "amount", "reason") == [
        (f"t{n}", text, "invalid_amount") for n, text in enumerate((*texts, None))
    ]


def test_row_with_several_reasons_carries_the_first(compute: Gold) -> None:
    tables = compute(
        events=[event("  ", ts="soon"), event("e", ts="soon"), event("e"), event("e")],
        transactions=[
            transaction(None, created_at=None, amount=None),
            transaction("t", created_at=None, amount=None),
            transaction("t", amount=None),
            transaction("t"),
            transaction("t"),
        ],
    )
    assert pick(tables["rejected_events"], "reason") == [
        ("duplicate",),
        ("invalid_timestamp",),
        ("missing_id",),
    ]
    assert pick(tables["rejected_transactions"], "reason") == [
        ("duplicate",),
        ("invalid_amount",),
        ("invalid_timestamp",),
        ("missing_id",),
    ]


def test_rejected_row_holds_the_text_of_silver(compute: Gold) -> None:
    raw = {"tx_id": " t1 ", "user_id": "", "amount": "n/a ", "status": " PAID"}
    raw |= {"created_at": "2024-2-3", "delivered_at": "soon"}
    tables = compute(transactions=[raw], events=[event(" ", ts=" soon")])
    assert tables["rejected_transactions"] == [raw | {"reason": "invalid_amount"}]
    assert tables["rejected_events"] == [event(" ", ts=" soon") | {"reason": "missing_id"}]


# --- duplicates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "rejected"),
    [
        ({"ts": "2024-02-03 09:00", "user_id": "z"}, {"ts": "2024-02-03 09:01", "user_id": "a"}),
        ({"user_id": "a", "country": "Z"}, {"user_id": "b", "country": "A"}),
        ({"user_id": "B"}, {"user_id": "a"}),
        ({"user_id": "z"}, {"user_id": None}),
        ({"country": "A"}, {"country": "B"}),
        ({"country": "Z"}, {"country": None}),
    ],
)
def test_earliest_event_stays_then_smallest_user_then_country(
    compute: Gold, kept: Row, rejected: Row
) -> None:
    tables = compute(events=[event(**rejected), event(**kept)])
    raw = event(**rejected) | {"reason": "duplicate"}
    assert tables["rejected_events"] == [raw]
    assert len(tables["fact_events"]) == 1


@pytest.mark.parametrize(
    ("kept", "rejected"),
    [
        (
            {"delivered_at": "2024-02-09", "created_at": "2024-02-03 01:00"},
            {"delivered_at": "2024-02-08", "created_at": "2024-02-03 02:00"},
        ),
        ({"delivered_at": "2024-02-08", "amount": "1"}, {"delivered_at": None, "amount": "2"}),
        ({"delivered_at": "2024-02-08", "amount": "1"}, {"delivered_at": "soon", "amount": "2"}),
        (
            {"created_at": "2024-02-03 02:00", "amount": "1"},
            {"created_at": "2024-02-03 01:00", "amount": "2"},
        ),
        ({"amount": "10", "status": "z"}, {"amount": "9", "status": "a"}),
        ({"amount": "-1"}, {"amount": "-2"}),
        ({"status": "paid", "user_id": "z"}, {"status": "pending", "user_id": "a"}),
        ({"status": "a"}, {"status": "B"}),
        ({"status": "paid", "user_id": "z"}, {"status": None, "user_id": "a"}),
        ({"user_id": "a"}, {"user_id": "b"}),
        ({"user_id": "a"}, {"user_id": None}),
    ],
)
def test_latest_delivery_stays_then_creation_highest_amount_smallest_status_and_user(
    compute: Gold, kept: Row, rejected: Row
) -> None:
    tables = compute(transactions=[transaction(**rejected), transaction(**kept)])
    raw = transaction(**rejected) | {"reason": "duplicate"}
    assert tables["rejected_transactions"] == [raw]
    assert len(tables["fact_transactions"]) == 1


def test_one_of_identical_rows_stays(compute: Gold) -> None:
    tables = compute(events=[event()] * 3, transactions=[transaction()] * 3)
    assert len(tables["fact_events"]) == len(tables["fact_transactions"]) == 1
    assert len(tables["rejected_events"]) == len(tables["rejected_transactions"]) == 2


def test_same_id_on_two_utc_dates_stays_twice(compute: Gold) -> None:
    times = ("2024-02-03 23:30:00Z", "2024-02-03 23:30:00-01:00", "2024-02-04 00:30:00+02:00")
    tables = compute(
        events=[event(ts=time) for time in times],
        transactions=[transaction(created_at=time) for time in times],
    )
    days = [(date(2024, 2, 3),), (date(2024, 2, 4),)]
    assert pick(tables["fact_events"], "event_date") == days
    assert pick(tables["fact_transactions"], "tx_date") == days
    assert pick(tables["rejected_events"], "ts") == [("2024-02-03 23:30:00Z",)]


def test_row_rejected_for_another_reason_does_not_displace_a_good_one(compute: Gold) -> None:
    bad = transaction(amount="n/a", delivered_at="2024-02-09")
    tables = compute(transactions=[bad, transaction()])
    assert len(tables["fact_transactions"]) == 1
    assert pick(tables["rejected_transactions"], "reason") == [("invalid_amount",)]


# --- dimensions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "dropped"),
    [
        ({"updated_at": "2024-02-02", "email": "z"}, {"updated_at": "2024-02-01", "email": "a"}),
        ({"updated_at": "2024-02-02", "email": "z"}, {"updated_at": None, "email": "a"}),
        ({"email": "a", "city": "z"}, {"email": "b", "city": "a"}),
        ({"email": "z"}, {"email": None}),
        ({"city": "a", "name": "z"}, {"city": "b", "name": "a"}),
        ({"name": "a", "phone": "z"}, {"name": "b", "phone": "a"}),
        ({"phone": "a", "age": "9"}, {"phone": "b", "age": "1"}),
        ({"age": "9"}, {"age": "10"}),
        ({"age": "9"}, {"age": None}),
    ],
)
def test_latest_version_of_a_user_stays_then_smallest_attributes(
    compute: Gold, kept: Row, dropped: Row
) -> None:
    both = compute(users=[user(**dropped), user(**kept)])["dim_users"]
    alone = compute(users=[user(**kept)])["dim_users"]
    assert both == alone


def test_row_without_user_id_is_no_user(compute: Gold) -> None:
    assert compute(users=[user(None, name="a"), user("  ", name="b")])["dim_users"] == []


def test_dim_country_holds_every_country_of_the_events(compute: Gold) -> None:
    countries = ("US", "NA", "ZZ", "us", None)
    tables = compute(events=[event(f"e{n}", country=code) for n, code in enumerate(countries)])
    assert pick(tables["dim_country"], "country", "country_name", "region") == [
        ("NA", "Namibia", "Africa"),
        ("US", "United States", "Americas"),
        ("ZZ", None, None),
        ("us", None, None),
    ]


def test_dim_status_holds_every_status_of_the_transactions(compute: Gold) -> None:
    statuses = ("Delivered", "lost", None)
    rows = [transaction(f"t{n}", status=status) for n, status in enumerate(statuses)]
    tables = compute(transactions=[*rows, transaction("t9", amount=None, status="refused")])
    assert pick(tables["dim_status"], "status", "is_delivered", "description") == [
        ("delivered", True, "Handed over"),
        ("lost", False, None),
    ]


def test_dim_date_spans_both_facts_without_gaps(compute: Gold) -> None:
    tables = compute(
        events=[event(ts="2021-01-04 23:00"), event("e2", ts="9999-01-01")],
        transactions=[transaction(created_at="2020-12-31")],
    )
    assert sorted(tuple(row.values()) for row in tables["dim_date"]) == [
        (date(2020, 12, 31), 2020, 12, 31, "Thu", 53, "December", 4, False),
        (date(2021, 1, 1), 2021, 1, 1, "Fri", 53, "January", 1, False),
        (date(2021, 1, 2), 2021, 1, 2, "Sat", 53, "January", 1, True),
        (date(2021, 1, 3), 2021, 1, 3, "Sun", 53, "January", 1, True),
        (date(2021, 1, 4), 2021, 1, 4, "Mon", 1, "January", 1, False),
    ]


# --- facts ----------------------------------------------------------------------------------------


def test_facts_carry_the_user_s_current_attributes(compute: Gold) -> None:
    tables = compute(
        users=[user(city="Kyiv", age="30", email="a@b.c", updated_at="2024-05-01")],
        events=[event("e1"), event("e2", user_id="unknown"), event("e3", user_id=None)],
        transactions=[transaction("t1", user_id=" u1 "), transaction("t2", user_id=None)],
    )
    attributes = ("user_city", "user_age", "user_email")
    assert pick(tables["fact_events"], "event_id", *attributes) == [
        ("e1", "Kyiv", 30, "a@b.c"),
        ("e2", None, None, None),
        ("e3", None, None, None),
    ]
    assert pick(tables["fact_transactions"], "tx_id", *attributes) == [
        ("t1", "Kyiv", 30, "a@b.c"),
        ("t2", None, None, None),
    ]


def test_fact_user_activity_is_a_row_a_user_and_day(compute: Gold) -> None:
    tables = compute(
        events=[
            event("e1", ts="2024-02-03 10:00"),
            event("e2", ts="2024-02-03 09:00"),
            event("e3", ts="2024-02-04 09:00"),
            event("e4", user_id=None),
        ],
        transactions=[
            transaction("t1", amount="10.00"),
            transaction("t2", amount="5.01"),
            transaction("t3", amount="-3", user_id="u2"),
            transaction("t4", user_id=None),
        ],
    )
    early, late, day = utc(2024, 2, 3, 9), utc(2024, 2, 3, 10), date(2024, 2, 3)
    tomorrow = utc(2024, 2, 4, 9)
    assert sorted(tuple(row.values()) for row in tables["fact_user_activity"]) == [
        ("u1", 1, 0, Decimal(0), Decimal(0), tomorrow, tomorrow, date(2024, 2, 4)),
        ("u1", 2, 2, Decimal("15.01"), Decimal("7.51"), early, late, day),
        ("u2", 0, 1, Decimal(-3), Decimal(-3), None, None, day),
    ]


# --- marts ----------------------------------------------------------------------------------------


def test_daily_revenue_sums_every_status_and_refunds(compute: Gold) -> None:
    tables = compute(
        events=[event(ts="2024-02-05")],
        transactions=[
            transaction("t1", amount="100", status="Delivered"),
            transaction("t2", amount="50", status="cancelled", user_id=None),
            transaction("t3", amount="-20.50", status="refunded"),
            transaction("t4", amount="n/a", status="delivered"),
            transaction("t5", amount="1", status=None, created_at="2024-03-01"),
        ],
    )
    assert sorted(tuple(row.values()) for row in tables["daily_revenue"]) == [
        (date(2024, 2, 3), Decimal("129.50"), 3, 1, Decimal("43.17"), "2024-02"),
        (date(2024, 3, 1), Decimal(1), 1, 0, Decimal(1), "2024-03"),
    ]


@pytest.mark.parametrize(
    ("amounts", "average"),
    [
        (("0.01", "0.02"), "0.02"),
        (("-0.01", "-0.02"), "-0.02"),
        (("0.01", "0.00"), "0.01"),
        (("-0.01", "0.00"), "-0.01"),
        (("0.01", "0", "0"), "0.00"),
        (("-0.02", "0", "0"), "-0.01"),
        (("5", "-5"), "0.00"),
        (("9999999999999999.99", "9999999999999999.98"), "9999999999999999.99"),
        (("9999999999999999.99", "0.02"), "5000000000000000.01"),
    ],
)
def test_average_is_rounded_half_up_away_from_zero(
    compute: Gold, amounts: tuple[str, ...], average: str
) -> None:
    rows = [transaction(f"t{n}", amount=amount) for n, amount in enumerate(amounts)]
    tables = compute(transactions=rows)
    assert pick(tables["daily_revenue"], "average_order_value") == [(Decimal(average),)]
    assert pick(tables["user_ltv"], "average_order_value") == [(Decimal(average),)]
    assert pick(tables["fact_user_activity"], "avg_transaction_amount") == [(Decimal(average),)]


def test_active_users_are_distinct_and_their_total_is_the_union(compute: Gold) -> None:
    tables = compute(
        events=[event("e1"), event("e2"), event("e3", user_id="u2"), event("e4", user_id=None)],
        transactions=[transaction("t1", user_id="u2"), transaction("t2", user_id="u3")],
    )
    assert [tuple(row.values()) for row in tables["daily_active_users"]] == [
        (date(2024, 2, 3), 2, 2, 3, "2024-02")
    ]


def test_day_without_known_users_has_no_activity(compute: Gold) -> None:
    tables = compute(events=[event(user_id=None)], transactions=[transaction(user_id="")])
    assert tables["fact_user_activity"] == tables["daily_active_users"] == tables["user_ltv"] == []
    assert len(tables["daily_revenue"]) == len(tables["dim_date"]) == 1


def test_user_ltv_is_the_revenue_of_all_days(compute: Gold) -> None:
    tables = compute(
        users=[user("idle")],
        events=[
            event("e1", ts="2024-02-03"),
            event("e2", ts="2024-02-05"),
            event("e3", user_id="u2"),
        ],
        transactions=[
            transaction("t1", amount="10"),
            transaction("t2", amount="-0.01", created_at="2024-03-01"),
            transaction("t3", user_id=None),
        ],
    )
    first, last, at = utc(2024, 2, 3), utc(2024, 2, 5), utc(2024, 2, 3, 10)
    assert sorted(tuple(row.values()) for row in tables["user_ltv"]) == [
        ("u1", first, last, 2, 2, Decimal("9.99"), Decimal("5.00"), Decimal("9.99")),
        ("u2", at, at, 1, 0, Decimal(0), Decimal(0), Decimal(0)),
    ]


# --- generated lakes ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_nothing_of_a_messy_lake_is_lost(tmp_path: Path, seed: int) -> None:
    silver.messy(tmp_path, events=3_000, seed=seed, cross_date_duplicates=seed == 0)
    tables = gold(tmp_path, now=datetime.now(timezone.utc))
    for dataset, key, reasons in (("events", "event_id", 3), ("transactions", "tx_id", 4)):
        fact, rejected = tables[f"fact_{dataset}"], tables[f"rejected_{dataset}"]
        files = [pq.read_metadata(file) for file in (tmp_path / dataset).rglob("*.parquet")]
        assert fact.num_rows + rejected.num_rows == sum(file.num_rows for file in files)
        assert len(set(rejected["reason"].to_pylist())) == reasons
        assert (max(Counter(fact[key].to_pylist()).values()) > 1) == (seed == 0)


def test_sample_is_the_same_each_time_and_its_ids_are_unique(tmp_path: Path) -> None:
    for name in ("a", "b"):
        silver.sample(tmp_path / name, days=7, events=2_000)
    files = {file.relative_to(tmp_path / "a") for file in (tmp_path / "a").rglob("*.parquet")}
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    tables = gold(tmp_path / "a", now=NOW)
    for fact, key in (("fact_events", "event_id"), ("fact_transactions", "tx_id")):
        assert max(Counter(tables[fact][key].to_pylist()).values()) == 1


# --- the comparison -------------------------------------------------------------------------------


def test_partitioned_table_written_by_spark_reads_back_equal(tmp_path: Path) -> None:
    schema = pa.schema([("at", pa.timestamp("us", "UTC")), ("version", pa.int64())])
    for number in (1, 2):
        rows = [{"at": utc(2024, 2, number, 10), "version": 7}]
        place = tmp_path / f"event_date=2024-02-0{number}" / "user_bucket=3"
        silver.write(place / "part.parquet", rows, schema, int96=True)
    silver.write(tmp_path / ".spark-staging" / "part.parquet", rows, schema)
    types = pa.schema([("event_date", pa.date32())])
    expected = pa.table(
        {
            "at": [utc(2024, 2, 1, 10), utc(2024, 2, 2, 10)],
            "event_date": ["2024-02-01", "2024-02-02"],
        }
    ).cast(pa.schema([schema.field("at"), *types]))
    actual = read_table(tmp_path, drop=["version", "user_bucket"], types=types)
    assert differences("t", expected, actual) == []


def test_every_table_of_the_contract_has_a_folder() -> None:
    assert len(PATHS) == 12
    assert PATHS["dim_users"] == "dim/dim_users"
    assert PATHS["fact_user_activity"] == "fact/fact_user_activity"
    assert PATHS["user_ltv"] == "mart/user_ltv"
    assert PATHS["rejected_events"] == "audit/rejected_events"


def test_differences_name_columns_types_and_rows() -> None:
    one = pa.table({"a": ["x", "x", None], "b": [1, 1, 2]})
    assert differences("t", one, one.take([2, 0, 1])) == []
    assert differences("t", one, one.select(["b", "a"])) == [
        "t: columns ['b', 'a'], expected ['a', 'b']"
    ]
    assert differences("t", one, one.set_column(1, "b", pa.array([1, 1, 2], pa.int32()))) == [
        "t.b: type int32, expected int64"
    ]
    assert differences("t", one, one.take([0, 2, 2])) == [
        "t: missing 1 row",
        "  a='x', b='1'",
        "t: unexpected 1 row",
        "  a=None, b='2'",
    ]


def test_empty_folder_is_an_empty_table_and_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="fact_events"):
        read_table(tmp_path / "fact_events")
    (tmp_path / "fact_events").mkdir()
    assert read_table(tmp_path / "fact_events").schema == GOLD_SCHEMAS["fact_events"]
