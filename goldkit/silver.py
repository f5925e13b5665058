"""Silver lakes made from a seed: a realistic sample, and every mess that the contract speaks of."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]

UTC_MICROS = pa.timestamp("us", tz="UTC")


def write(
    file: Path,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema | None = None,
    *,
    int96: bool = False,
) -> None:
    """Write `rows` as one parquet file, replacing it and making its folder.

    Without a schema every column is a string and the first row names the columns. `int96` stores
    timestamps as Spark does by default: 96 bits, nanoseconds.
    """
    schema = schema or pa.schema([(name, pa.string()) for name in (rows[0] if rows else ())])
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(list(rows), schema)
    pq.write_table(table, file, use_deprecated_int96_timestamps=int96)


def folder(key: str, value: object) -> str:
    """The name `key=value` of a partition folder, escaped as Hive does."""
    text = "__HIVE_DEFAULT_PARTITION__" if value is None else str(value)
    special = "\"#%'*/:=?\\{[]^\x7f"
    return f"{key}=" + "".join(
        f"%{ord(char):02X}" if char in special or char < " " else char for char in text
    )


# --- the sample -----------------------------------------------------------------------------------

START = date(2024, 1, 1)

# country, its share of the users, cities
PLACES = (
    ("US", 30, ("New York", "Chicago", "Austin", "Seattle")),
    ("IN", 18, ("Mumbai", "Delhi", "Bengaluru")),
    ("BR", 12, ("São Paulo", "Rio de Janeiro", "Recife")),
    ("DE", 10, ("Berlin", "Köln", "München")),
    ("GB", 9, ("London", "Leeds")),
    ("FR", 8, ("Paris", "Lyon", "Saint-Étienne")),
    ("JP", 6, ("Tokyo", "Osaka")),
    ("NG", 4, ("Lagos", "Abuja")),
    ("UA", 2, ("Kyiv", "Lviv")),
    ("NA", 1, ("Windhoek",)),  # Namibia, which careless readers take for a missing value
)
FIRST = ("Ada", "Bruno", "Chidi", "Daria", "Emil", "Fatima", "Goro", "Hanna", "Ivan", "Jaya")
LAST = (
    "Almeida",
    "Brown",
    "Dubois",
    "Khan",
    "Müller",
    "Nakamura",
    "O'Neill",
    "Okafor",
    "Shevchenko",
)

USERS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "name", "email", "city", "phone")),
        ("age", pa.int32()),
        ("updated_at", UTC_MICROS),
    ]
)
EVENTS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "user_id", "event_type")),
        ("ts", UTC_MICROS),
        ("country", pa.string()),
    ]
)
TRANSACTIONS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("tx_id", "user_id", "amount", "status")),
        ("created_at", UTC_MICROS),
        ("delivered_at", UTC_MICROS),
    ]
)


def sample(out: Path, *, days: int = 30, events: int = 30_000, seed: int = 7) -> None:
    """Write a small web shop of `days` days from START: the same files for the same arguments.

    A twentieth as many users and a tenth as many orders as events. Users lie flat, events and
    transactions in a folder for the day they arrived on, which for a few late events is the day
    after their own. A little mess: events delivered twice, without an id or with a wrong clock;
    orders delivered again when their status changed; amounts are text, some of it no number. Files
    of the same name are replaced, others stay.
    """
    rng = random.Random(seed)
    users = [_user(rng, number) for number in range(max(1, events // 20))]
    write(out / "users" / "part-0.parquet", [*users, *_moved(rng, users, days)], USERS_SCHEMA)
    _write_days(out / "events", "event_date", _events(rng, users, days, events), EVENTS_SCHEMA)
    orders = _orders(rng, users, days, events // 10)
    _write_days(out / "transactions", "tx_date", orders, TRANSACTIONS_SCHEMA)


def _write_days(
    root: Path, key: str, arrivals: Iterable[tuple[date, Row]], schema: pa.Schema
) -> None:
    days: dict[date, list[Row]] = {}
    for day, row in arrivals:
        days.setdefault(day, []).append(row)
    for day, rows in sorted(days.items()):
        write(root / folder(key, day) / "part-0.parquet", rows, schema)


def _user(rng: random.Random, number: int) -> Row:
    (place,) = rng.choices(PLACES, [share for _, share, _ in PLACES])
    country, _, cities = place
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return {
        "user_id": f"u{number:05}",
        "name": f"{first} {last}",
        "email": f"{first.lower()}{number}@example.com",
        "city": rng.choice(cities),
        "phone": f"+1 555 {rng.randrange(10_000_000):07}",
        "age": None if rng.random() < 0.08 else int(rng.triangular(16, 80, 30)),
        "updated_at": _moment(START) - timedelta(minutes=rng.randrange(1, 500_000)),
        "home": country,
    }


def _moved(rng: random.Random, users: Sequence[Row], days: int) -> list[Row]:
    """A later version of every tenth user or so."""
    return [
        user | {"city": "Lisbon", "updated_at": _visit(rng, rng.randrange(days))}
        for user in users
        if rng.random() < 0.1
    ]


def _events(
    rng: random.Random, users: Sequence[Row], days: int, count: int
) -> Iterable[tuple[date, Row]]:
    for number in range(count):
        user, day = _customer(rng, users), _day(rng, days)
        event: Row = {
            "event_id": f"e{number:07}",
            "user_id": None if rng.random() < 0.05 else user["user_id"],
            "event_type": rng.choice(("view", "view", "view", "search", "cart")),
            "ts": _visit(rng, day),
            "country": None if rng.random() < 0.01 else user["home"],
        }
        if rng.random() < 0.002:
            event["event_id"] = rng.choice((None, ""))
        if rng.random() < 0.002:
            event["ts"] = rng.choice((None, _moment(date(1970, 1, 1))))
        today = START + timedelta(days=day)
        tomorrow = today + timedelta(days=1)
        yield tomorrow if rng.random() < 0.01 else today, event
        if rng.random() < 0.005:
            yield rng.choice((today, tomorrow)), event


def _orders(
    rng: random.Random, users: Sequence[Row], days: int, count: int
) -> Iterable[tuple[date, Row]]:
    end = _moment(START + timedelta(days=days))
    for number in range(count):
        day = _day(rng, days)
        created = _visit(rng, day)
        (status,) = rng.choices(
            ("pending", "paid", "shipped", "delivered", "cancelled"), (5, 10, 15, 62, 8)
        )
        delivered = created + timedelta(minutes=rng.randrange(1_000, 9_000))
        if status == "delivered" and delivered >= end:
            status = "shipped"
        cents = int(rng.lognormvariate(8.2, 0.9)) + 99
        order: Row = {
            "tx_id": f"t{number:06}",
            "user_id": None if rng.random() < 0.01 else _customer(rng, users)["user_id"],
            "amount": f"{cents / 100:.2f}",
            "status": status,
            "created_at": created,
            "delivered_at": delivered if status == "delivered" else None,
        }
        today = START + timedelta(days=day)
        if status == "delivered" and rng.random() < 0.1:
            yield today, order | {"status": "pending", "delivered_at": None}
        returned = created + timedelta(days=rng.randrange(3, 12))
        if status == "delivered" and returned < end and rng.random() < 0.04:
            refund = order | {"tx_id": f"{order['tx_id']}-r", "amount": f"-{order['amount']}"}
            refund |= {"status": "refunded", "created_at": returned, "delivered_at": None}
            yield returned.date(), refund
        if rng.random() < 0.01:
            order["amount"] = rng.choice((f" {order['amount']} ", "1,299.00", "n/a", "", None))
        if rng.random() < 0.01:
            order["status"] = status.title()
        yield today, order


def _customer(rng: random.Random, users: Sequence[Row]) -> Row:
    """A few users do most of what is done."""
    return users[int(len(users) * rng.random() ** 2)]


def _day(rng: random.Random, days: int) -> int:
    """A day's number, growing towards the last and quieter at weekends."""
    day = int(days * rng.random() ** 0.8)
    weekend = (START + timedelta(days=day)).weekday() > 4
    return _day(rng, days) if weekend and rng.random() < 0.3 else day


def _visit(rng: random.Random, day: int) -> datetime:
    """A time on the day of that number, mostly in the evening."""
    seconds = rng.triangular(0, 86_399, 68_000)
    return _moment(START) + timedelta(days=day, milliseconds=int(seconds * 1000))


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.utc)


# --- moments of all eras --------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000

# In microseconds since 1970. Ids are the numbers of the moments, except that the last two are one id on both
# sides of midnight.
ERAS = (
    -62_198_755_200_000_000,  # two years before year 1
    *(
        (moment - _EPOCH) // _MICROSECOND
        for moment in (
            datetime(1, 1, 1),
            datetime(1582, 10, 4, 23, 59, 59),  # the last day of the Julian calendar
            datetime(1582, 10, 10, 12),  # a day that one calendar has and the other has not
            datetime(1582, 10, 15),
            datetime(1899, 12, 30),
            datetime(1899, 12, 31, 23, 59, 59, 999_999),
            datetime(1969, 7, 20, 20, 17, 40),
            datetime(1969, 12, 31, 23, 59, 59, 999_999),
            datetime(2262, 4, 11),
            datetime(9999, 12, 31, 23, 59, 59, 999_999),
        )
    ),
    253_402_300_800_000_000,  # year 10000
    (datetime(2024, 2, 28, 23, 59, 59, 999_000) - _EPOCH) // _MICROSECOND,
    (datetime(2024, 2, 29) - _EPOCH) // _MICROSECOND,
)
ERAS_AS_TEXT = (
    *("-0001-01-01", "0000-01-01", "0001-01-01", "0001-01-01T00:00:00+14:00", "1582-10-10", "1582-10-10 12:00"),
    *("1899-12-30", "1969-12-31T23:59:59.999999Z", "2262-04-11", "9999-12-31T23:59:59Z", "9999-12-31 23:59:59-18:00"),
    *("+10000-01-01", "10000-01-01", "294247-01-10", "+294247-01-10 04:00:54.775807", "99999999999-01-01"),
    *("2024-02-28T23:59:59Z", "2024-02-29"),
)

# What a column of moments may be in a file, and what becomes of a moment there; None where it has no place.
KINDS: dict[str, tuple[pa.DataType, Callable[[int], Any]]] = {
    "int96": (pa.timestamp("us"), lambda micros: micros),
    "millis": (pa.timestamp("ms"), lambda micros: micros // 1000),
    "millis_utc": (pa.timestamp("ms", "UTC"), lambda micros: micros // 1000),
    "micros": (pa.timestamp("us"), lambda micros: micros),
    "micros_utc": (UTC_MICROS, lambda micros: micros),
    "nanos": (pa.timestamp("ns"), lambda micros: _nanos(micros)),
    "nanos_utc": (pa.timestamp("ns", "UTC"), lambda micros: _nanos(micros)),
    # Small as they are, they could be numbers. And no whole microseconds.
    "nanos_of_1969": (pa.timestamp("ns"), lambda micros: micros * 1000 - 1 if -_DAY * 365 < micros < 0 else None),
    "date": (pa.date32(), lambda micros: micros // _DAY),
    "seconds": (pa.int64(), lambda micros: micros // 1_000_000),
    "unsigned": (pa.uint64(), lambda micros: abs(micros)),
    "double": (pa.float64(), lambda micros: 1970.0 + micros // (_DAY * 366)),
    "decimal": (pa.decimal128(24, 3), lambda micros: Decimal(micros).scaleb(-3)),
    "boolean": (pa.bool_(), lambda micros: micros > 0),
    "void": (pa.null(), lambda _: None),
}


def _nanos(micros: int) -> int | None:
    return micros * 1000 if -(2**63) < micros * 1000 < 2**63 else None


def eras(out: Path) -> None:
    """Write a file for each type that a column of moments may have, a row for each moment.

    All datasets have them as timestamps, dates and text; events also in a folder's name, as bytes, numbers and void.
    """
    ids = [*map(str, range(len(ERAS) - 2)), "midnight", "midnight"]
    for name, (kind, hold) in KINDS.items():
        held = [(id, hold(micros)) for id, micros in zip(ids, ERAS, strict=True)]
        rows = [(id, value) for id, value in held if value is not None or name == "void"]
        _write_era(out, name, kind, [f"{name}-{id}" for id, _ in rows], [value for _, value in rows])
    ids = [f"text-{number}" for number in range(len(ERAS_AS_TEXT) - 2)] + ["text-midnight"] * 2
    _write_era(out, "text", pa.string(), ids, ERAS_AS_TEXT)
    ids = [id.replace("text", "bytes") for id in ids]
    _write_era(out, "bytes", pa.binary(), ids, [text.encode() for text in ERAS_AS_TEXT])
    for number, text in enumerate(("0001-01-01", "1582-10-10 00:00", "2024-02-29", "9999-12-31")):
        place = out / "events" / "eras" / folder("ts", text) / "of-one-row"
        write(place / "part.parquet", [{"event_id": f"folder-{number}"}])


def _write_era(out: Path, name: str, kind: pa.DataType, ids: Sequence[str], values: Sequence[Any]) -> None:
    moments = pa.array(values, kind)
    delivered = pa.array([*values[-3:], *values[:-3]], kind)  # each has one of another era
    tables = {
        "events": {"event_id": ids, "ts": moments},
        "users": {"user_id": ids, "updated_at": moments},
        "transactions": {"tx_id": ids, "amount": ["1"] * len(ids), "created_at": moments, "delivered_at": delivered},
    }
    for dataset, columns in tables.items():
        if dataset != "events" and not (pa.types.is_temporal(kind) or pa.types.is_string(kind)):
            continue
        file = out / dataset / "eras" / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), file, use_deprecated_int96_timestamps=name == "int96")


# --- the mess -------------------------------------------------------------------------------------
#
# Rows are made with plain values and then spelled file by file, each column of a file in a type
# and style of its own. Within a file a value has one spelling, and a redelivery in another file
# has a user of its own. So deliveries that tie in every sort key are the same text, and it does
# not matter which of them is the one rejected.

CHOICES: dict[str, tuple[str | None, ...]] = {
    "country": ("US", "us", "DE", "NA", "ZZ", "Côte d'Ivoire", "東京", "\u00a0US", "null", None),
    "status": ("pending", "paid", "shipped", "delivered", "cancelled", "refunded", "lost", None),
    "name": ("Zoë O'Neill", 'the "quote"', "back\\slash", "\\d", "Ünal\tTab", "😀", "N/A", None),
    "email": ("a@example.com", "b+c@example.com", "B@example.com", "o'neill@example.com", None),
    "city": ("L'Aquila", "São Paulo", "a\\b", "50%=half", "sao paulo", "東京", None),
    "phone": ("15550100", "5550199", "42", None),
}
BAD_MOMENTS = (
    "2024-02-30",
    "2024-13-01",
    "2024-01-01 25:00:00",
    "0000-00-00",
    "2024",
    "2024-01",
    "12:30",
    "soon",
    datetime(1999, 12, 31, 23, 59, 59, 999_999),
    datetime(9999, 6, 1),
    None,
)
AMOUNTS = ("1e3", "-2.5E-1", "+7", ".5", "9999999999999999.99", "-9999999999999999.994")
BAD_AMOUNTS = ("NaN", "inf", "1,234", "1_000", "0x10", "ten", Decimal("12345678901234567.8"), None)
AGES = (0, 1, 17, 42, 99, -1, 42.7, "42.0", "forty", 99_999_999_999, None)

MOMENTS = ("ts", "updated_at", "created_at", "delivered_at")

DAYS_FROM, DAYS_SPAN, DAYS = date(2023, 12, 20), 80, 16  # over New Year and 29 February, with gaps


Style = tuple[pa.DataType, Callable[[Any], Any]]  # an arrow type, and what becomes of a value

VOID: Style = (pa.null(), lambda _: None)


@dataclass(frozen=True)
class Dataset:
    """What the mess-maker must know of a dataset. Its name is that of its folder."""

    name: str
    key: str
    moment: str  # decides the date of a row
    order: tuple[str, ...]  # the columns by which one delivery of an id is kept
    layouts: tuple[str | None, ...]  # flat, or folders that hold a date or one of the columns


EVENTS = Dataset("events", "event_id", "ts", ("ts", "user_id", "country"), (None, "dt", "country"))
TRANSACTIONS = Dataset(
    "transactions",
    "tx_id",
    "created_at",
    ("delivered_at", "created_at", "amount", "status", "user_id"),
    (None, "dt", "status"),
)
USERS = Dataset(
    "users",
    "user_id",
    "updated_at",
    ("updated_at", "email", "city", "name", "phone", "age"),
    (None, "dt", "city"),
)


def messy(
    out: Path,
    *,
    events: int = 50_000,
    seed: int,
    cross_date_duplicates: bool = False,
    now: datetime | None = None,
) -> None:
    """Write a lake with every mess that the contract speaks of, chosen by `seed`.

    From `events` events, a fifth as many transactions and a twentieth as many users, before they
    are delivered again. Each dataset is flat, in date folders that often disagree with their rows,
    or in folders that hold one of its columns. No event or transaction id is on two dates unless
    `cross_date_duplicates`. Some rows are dated three days after `now`, by default today, which is
    too late to be true. `out` should be empty. It holds nothing that Spark cannot read or spells in
    a way of its own: no TIMESTAMP(NANOS), no double of 1e7 or more.
    """
    mess = _Mess(random.Random(seed), users=max(3, events // 20), now=now or datetime.now(timezone.utc))
    mess.write(out, EVENTS, events, cross_date_duplicates)
    mess.write(out, TRANSACTIONS, events // 5, cross_date_duplicates)
    mess.write(out, USERS, events // 20, cross_date=True)


@dataclass
class _File:
    """A file in the making: the day most of its rows are on, and how it holds its columns."""

    home: date
    styles: dict[str, Style]
    rows: list[Row] = field(default_factory=list)

    def has(self, column: str) -> bool:
        return column in self.styles and self.styles[column] != VOID


class _Mess:
    """One lake in the making: its dice, its days, how many users it knows, impossible moments."""

    def __init__(self, rng: random.Random, users: int, now: datetime) -> None:
        self.rng = rng
        self.users = users
        self.days = [DAYS_FROM + timedelta(days=n) for n in rng.sample(range(DAYS_SPAN), DAYS)]
        late = datetime.combine(now.date() + timedelta(days=3), time())
        self.bad_moments = (*BAD_MOMENTS, late)

    def often(self, probability: float) -> bool:
        return self.rng.random() < probability

    def write(self, out: Path, dataset: Dataset, count: int, cross_date: bool) -> None:
        """Write `count` rows and their redeliveries in up to 40 files, and an empty file."""
        layout = self.rng.choice(dataset.layouts)
        files = [self.file(dataset, layout) for _ in range(max(4, min(40, count // 250)))]
        known: list[Row] = []
        for number in range(count):
            file = self.rng.choice(files)
            day = file.home if self.often(0.8) else self.rng.choice(self.days)
            row = {dataset.key: _id(dataset.key, number)}
            row |= {column: self.value(column, day) for column in dataset.order}
            if self.often(0.05):
                self.spoil(row, dataset)
            known.append(row)
            file.rows.append(row)
            while self.often(0.1):
                file.rows.append(self.redelivered(row, dataset))
            if self.often(0.02) and (dataset is USERS or file.has("user_id")):
                again: Row = {}
                if dataset is not USERS:
                    again["user_id"] = _id("user_id", 10_000_000 + number)
                if cross_date and self.often(0.5):
                    again[dataset.moment] = self.moment(self.rng.choice(self.days))
                file.rows.append(self.rng.choice(known) | again)
        for number, file in enumerate([*files, self.file(dataset, layout)]):
            place = out / dataset.name
            if layout == "dt":
                place /= folder(layout, file.home)
            elif layout:
                held = self.rng.choice(CHOICES[layout])
                place /= folder(layout, held and _text(layout, held))
                file.rows = [row | {layout: held} for row in file.rows]
            self.spell(place / f"part-{number}.parquet", file)

    def file(self, dataset: Dataset, layout: str | None) -> _File:
        """A file without rows: its columns in any order and any type, or absent."""
        columns = [column for column in (dataset.key, *dataset.order) if column != layout]
        self.rng.shuffle(columns)
        styles = {column: self.style(column) for column in columns if self.often(0.97)}
        return _File(self.rng.choice(self.days), styles)

    def value(self, column: str, day: date) -> Any:
        """A good value of a column, now and then a bad one where a row survives it."""
        if column == "user_id":
            stranger = self.users * 5 // 4
            return None if self.often(0.05) else _id(column, self.rng.randrange(stranger))
        if column == "amount":
            if self.often(0.02):
                return self.rng.choice(AMOUNTS)
            return Decimal(self.rng.randrange(-40_000, 400_000) * 5).scaleb(-3)
        if column == "age":
            return self.rng.choice(AGES)
        if column == "delivered_at":
            bad = self.rng.choice((None, None, *self.bad_moments))
            return bad if self.often(0.4) else self.moment(self.rng.choice(self.days))
        return self.rng.choice(CHOICES[column]) if column in CHOICES else self.moment(day)

    def moment(self, day: date) -> datetime:
        micros = self.rng.choice(
            (0, 86_399_999_999, self.rng.randrange(1440) * 60_000_000)
            + (self.rng.randrange(86_400) * 1_000_000, self.rng.randrange(86_400_000_000)) * 3
        )
        return datetime.combine(day, time()) + timedelta(microseconds=micros)

    def spoil(self, row: Row, dataset: Dataset) -> None:
        """Give a row up to three reasons to be rejected."""
        if self.often(0.5):
            row[dataset.key] = None
        if self.often(0.5):
            row[dataset.moment] = self.rng.choice(self.bad_moments)
        if "amount" in row and self.often(0.5):
            row["amount"] = self.rng.choice(BAD_AMOUNTS)

    def redelivered(self, row: Row, dataset: Dataset) -> Row:
        """The same id again on the same date: the same up to one of the sort keys, or entirely."""
        level = self.rng.randrange(len(dataset.order) + 1)
        changed = [
            column
            for index, column in enumerate(dataset.order)
            if index == level or (index > level and self.often(0.3))
        ]
        return row | {column: self.other(column, row[column]) for column in changed}

    def other(self, column: str, value: Any) -> Any:
        """Another value, which never casts to the same as `value` in another spelling."""
        if column == "amount":
            start = value if isinstance(value, Decimal) else Decimal("0.1")
            return start + self.rng.randint(1, 9)
        if column == "delivered_at":
            good = isinstance(value, datetime) and value.date() in self.days
            return None if good and self.often(0.5) else self.moment(self.rng.choice(self.days))
        if column in MOMENTS:
            return self.moment(value.date() if isinstance(value, datetime) else self.days[0])
        while (fresh := self.value(column, self.days[0])) == value:
            pass
        return fresh

    def spell(self, path: Path, file: _File) -> None:
        """Write a file, with some columns that nobody uses."""
        extra = {key: value for key, value in UNUSED.items() if self.often(0.3)}
        kinds = {key: kind for key, (kind, _) in (file.styles | extra).items()}
        rows = [
            {column: spell(row[column]) for column, (_, spell) in file.styles.items()}
            | {key: value for key, (_, value) in extra.items()}
            for row in file.rows
        ]
        write(path, rows, pa.schema(kinds), int96=self.often(0.3))

    def style(self, column: str) -> Style:
        if self.often(0.03):
            return VOID
        if self.often(0.5) and column in STYLES:
            return self.rng.choice(STYLES[column])
        null, salt = self.rng.choice((None, "", "  ")), self.rng.random()
        return pa.string(), lambda value: null if value is None else _text(column, value, salt)


def _id(column: str, number: int) -> str:
    """User ids are digits, so that a file may hold them as numbers."""
    return str(1000 + number) if column == "user_id" else f"{column[0]}{number}"


def _text(column: str, value: Any, salt: float = 0) -> str:
    """A spelling of a value, decided by the value and `salt`: format, case, spaces around it."""
    dice = random.Random(f"{salt} {value!r}")
    if isinstance(value, datetime):
        text = _moment_text(value, dice)
    elif column == "status":
        text = dice.choice((value, value.title(), value.upper()))
    else:
        text = str(value)
    return dice.choice(("{}", "{}", " {}", "{}  ")).format(text)


def _moment_text(value: datetime, dice: random.Random) -> str:
    """An accepted way to write a moment, none of which loses anything."""
    rough = f"{value.year}-{value.month}-{value.day}"
    fraction = f".{value.microsecond:06}789" if value.microsecond else ""
    texts = [
        f"{value}",
        f"{value.isoformat()}Z",
        f"{value + timedelta(hours=2)}+02:00",
        f"{(value - timedelta(hours=5)).isoformat()}-05",
        f"{rough} {value.hour}:{value.minute}:{value.second}{fraction}",
    ]
    if not value.second and not fraction:
        texts.append(f"{value:%Y-%m-%d %H:%M}")
    if value.time() == time():
        texts.append(rough)
    return dice.choice(texts)


def _instant(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _day_of(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else None


def _double(value: Any) -> float | None:
    if value is None:
        return None
    return float(value) if not isinstance(value, str) and abs(value) < 1e7 else float("nan")


def _decimal(value: Any) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return None if value is None else round(value)


def _small(value: Any) -> int | None:
    return value if isinstance(value, int) and value < 2**31 else None


# column -> what other than a string a file may hold it as
STYLES: dict[str, tuple[Style, ...]] = {
    **dict.fromkeys(
        MOMENTS,
        ((pa.timestamp("us"), _instant), (UTC_MICROS, _instant), (pa.date32(), _day_of)),
    ),
    "amount": ((pa.float64(), _double), (pa.decimal128(20, 3), _decimal), (pa.int64(), _whole)),
    "age": ((pa.int32(), _small), (pa.int64(), _whole), (pa.float64(), _double)),
    "user_id": ((pa.int64(), _whole),),
    "phone": ((pa.int64(), _whole),),
}
# column -> type and value
UNUSED = {
    "note": (pa.string(), "unused"),
    "payload": (pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]), {"a": 1, "b": ["x"]}),
}
