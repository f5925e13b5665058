"""What happens to a lake between two runs: a small Silver, and every kind of change to it."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from goldkit.silver import folder, write

Row = dict[str, Any]

MOMENT = pa.timestamp("us", tz="UTC")


def _schema(text: str, *moments: str) -> pa.Schema:
    names = text.split()
    return pa.schema([(name, MOMENT if name in moments else pa.string()) for name in names])


SCHEMAS = {
    "events": _schema("event_id user_id ts country", "ts"),
    "users": _schema("user_id name email city phone age updated_at", "updated_at"),
    "transactions": _schema(
        "tx_id user_id amount status created_at delivered_at", "created_at", "delivered_at"
    ),
}
ACTIVITY = {"events": "event_date", "transactions": "tx_date"}  # dataset -> key of its folders
KEYS = {"events": "event_id", "users": "user_id", "transactions": "tx_id"}
MOMENTS = {"events": "ts", "users": "updated_at", "transactions": "created_at"}

DAYS = [date(2024, 1, day) for day in (28, 29, 30, 31)] + [date(2024, 2, day) for day in (1, 3, 4)]
USERS = 40

Files = dict[Path, tuple[int, int, frozenset[str]]]


@dataclass
class Lake:
    """A Silver of a few hundred rows, in a folder a day, and the dice that decide all changes.

    Every version of a file that was deleted or replaced is kept, to come back with its old time.
    """

    root: Path
    dice: random.Random
    old: list[tuple[Path, bytes, int]] = field(default_factory=list)
    made: int = 0  # files and rows so far: their names and ids

    def __post_init__(self) -> None:
        users = [self.user(number) for number in range(USERS)]
        moved = [self.user(number) for number in range(0, USERS, 5)]
        self.add("users", users)
        self.add("users", moved)
        for day in DAYS:
            self.add_day(day)

    # --- files ---

    def files(self, *datasets: str) -> list[Path]:
        """The files of these datasets, or of all, in order of their names."""
        roots = [self.root / dataset for dataset in datasets or SCHEMAS]
        return sorted(file for root in roots for file in root.rglob("*.parquet"))

    def file(self, *datasets: str) -> Path:
        return self.dice.choice(self.files(*datasets))

    def dataset(self, file: Path) -> str:
        return file.relative_to(self.root).parts[0]

    def add(self, dataset: str, rows: list[Row], day: date | None = None) -> Path:
        """Write rows as a new file, in the folder of a day."""
        place = self.root / dataset / (folder(ACTIVITY[dataset], day) if day else "")
        file = place / f"part-{self.next()}.parquet"
        write(file, rows, SCHEMAS[dataset])
        return file

    def replace(self, file: Path, table: pa.Table) -> None:
        self.keep(file)
        pq.write_table(table, file)

    def rewrite(self, file: Path, change: Callable[[Row], Row]) -> None:
        """Write a file again with each of its rows changed."""
        table = read(file)
        self.replace(file, _table([change(row) for row in table.to_pylist()], table.schema))

    def delete(self, file: Path) -> None:
        """Delete a file and the folder that it leaves empty; the last of a dataset becomes empty."""
        self.keep(file)
        dataset = self.dataset(file)
        if self.files(dataset) == [file]:
            self.add(dataset, [])
        file.unlink()
        if not any(file.parent.iterdir()):
            file.parent.rmdir()

    def keep(self, file: Path) -> None:
        self.old.append((file, file.read_bytes(), file.stat().st_mtime_ns))

    # --- rows ---

    def next(self) -> int:
        self.made += 1
        return self.made

    def often(self, probability: float) -> bool:
        return self.dice.random() < probability

    def moment(self, day: date) -> datetime:
        start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
        return start + timedelta(seconds=self.dice.randrange(86_400))

    def days(self, *datasets: str) -> list[date]:
        """The days that have a folder, in any dataset or in one of these."""
        names = [file.parent.name for file in self.files(*datasets or ACTIVITY)]
        return sorted({date.fromisoformat(n.split("=")[1]) for n in names if "=" in n}) or DAYS[:1]

    def day(self) -> tuple[str, date, list[Path]]:
        """A day in a dataset, and the files of its folder."""
        dataset = self.dice.choice([*ACTIVITY])
        day = self.dice.choice(self.days(dataset))
        return dataset, day, [f for f in self.files(dataset) if f.parent.name.endswith(f"={day}")]

    def user_id(self) -> str | None:
        """A user, now and then a stranger or nobody."""
        return None if self.often(0.05) else f"u{self.dice.randrange(USERS * 21 // 20)}"

    def user(self, number: int) -> Row:
        return {
            "user_id": f"u{number}",
            "name": f"User {number}",
            "email": f"user{self.dice.randrange(1000)}@example.com",
            "city": self.dice.choice(("Berlin", "Lyon", "São Paulo", "L'Aquila", "", None)),
            "phone": self.dice.choice(("15550100", None)),
            "age": self.dice.choice(("17", "42", " 99 ", "old", None)),
            "updated_at": self.moment(self.dice.choice(DAYS)),
        }

    def event(self, day: date) -> Row:
        return {
            "event_id": None if self.often(0.02) else f"e{self.next()}",
            "user_id": self.user_id(),
            "ts": None if self.often(0.02) else self.moment(day),
            "country": self.dice.choice(("US", "DE", "NA", "ZZ", None)),
        }

    def transaction(self, day: date) -> Row:
        cents = self.dice.randrange(-2_000, 20_000)
        return {
            "tx_id": None if self.often(0.02) else f"t{self.next()}",
            "user_id": self.user_id(),
            "amount": "much" if self.often(0.02) else str(Decimal(cents).scaleb(-2)),
            "status": self.dice.choice(("paid", "Delivered", "delivered", "lost", None)),
            "created_at": None if self.often(0.02) else self.moment(day),
            "delivered_at": self.moment(day) if self.often(0.3) else None,
        }

    def rows(self, dataset: str, day: date, count: int) -> list[Row]:
        make = self.event if dataset == "events" else self.transaction
        rows = [make(day) for _ in range(count)]
        return [*rows, self.dice.choice(rows)]  # delivered twice

    def add_day(self, day: date) -> None:
        """Two files of events, one or two of transactions."""
        for count in (20, 10):
            self.add("events", self.rows("events", day, count), day)
        for _ in range(self.dice.randint(1, 2)):
            self.add("transactions", self.rows("transactions", day, 5), day)

    def snapshot(self) -> dict[str, Files]:
        """Each dataset's files: size, time, and the days of its rows ('unknown' where invalid)."""
        return {
            dataset: {file: _facts(file, MOMENTS[dataset]) for file in self.files(dataset)}
            for dataset in SCHEMAS
        }


def read(file: Path) -> pa.Table:
    """The columns of a file, without those that its folders name."""
    return pq.read_table(file, partitioning=None)


def _facts(file: Path, moment: str) -> tuple[int, int, frozenset[str]]:
    table = read(file)
    values = table[moment].to_pylist() if moment in table.column_names else [None]
    texts = [str(value) for value in values]
    days = [text[:10] if re.match("[0-9]{4}-", text) else "unknown" for text in texts]
    return file.stat().st_size, file.stat().st_mtime_ns, frozenset(days)


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    """Rows with their values in the types of a schema; NULL where there is no such value."""
    columns = [[_as(kind.type, row.get(kind.name)) for row in rows] for kind in schema]
    return pa.table(
        [pa.array(c, k.type) for c, k in zip(columns, schema, strict=True)], schema=schema
    )


def _as(kind: pa.DataType, value: Any) -> Any:
    if value is None or pa.types.is_null(kind):
        return None
    text = str(value)
    if pa.types.is_string(kind):
        return text
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moment = datetime.fromisoformat(text)
        return (
            moment.date()
            if pa.types.is_date(kind)
            else moment.replace(tzinfo=kind.tz and timezone.utc)
        )
    if not re.fullmatch(" *-?[0-9]+([.][0-9]+)? *", text):
        return None
    number = Decimal(text.strip())
    if pa.types.is_decimal(kind):
        return number
    return int(number) if pa.types.is_integer(kind) else float(number)


def touched_days(before: Files, after: Files) -> set[str]:
    """The days of all rows in files that are no longer, or not yet, what they were."""
    changed = before.items() ^ after.items()
    return {day for _, (_, _, days) in changed for day in days}


# --- changes --------------------------------------------------------------------------------------
#
# Each does one thing to a lake and says what, in a line for whoever has to find out why Gold differs.


def new_day(lake: Lake) -> str:
    day = max(lake.days()) + timedelta(days=lake.dice.randint(1, 3))
    lake.add_day(day)
    return f"{day}"


def late_rows(lake: Lake) -> str:
    dataset, day = lake.dice.choice([*ACTIVITY]), lake.dice.choice(lake.days())
    arrival = lake.dice.choice((day, max(lake.days())))
    return str(lake.add(dataset, lake.rows(dataset, day, 3), arrival))


def corrected_rows(lake: Lake) -> str:
    def correct(row: Row) -> Row:
        values = {"country": "FR", "amount": "1.01", "status": "refunded"}
        column = lake.dice.choice([*values])
        return row | {column: values[column]} if column in row and lake.often(0.3) else row

    file = lake.file(*ACTIVITY)
    lake.rewrite(file, correct)
    return str(file)


def file_deleted(lake: Lake) -> str:
    file = lake.file()
    lake.delete(file)
    return str(file)


def day_deleted(lake: Lake) -> str:
    dataset, day, files = lake.day()
    for file in files:
        lake.delete(file)
    return f"{dataset} of {day}"


def day_deleted_everywhere(lake: Lake) -> str:
    day = lake.dice.choice(lake.days())
    for file in lake.files(*ACTIVITY):
        if file.parent.name.endswith(f"={day}"):
            lake.delete(file)
    return f"{day}"


def file_restored(lake: Lake) -> str:
    """An earlier version of a file, or a deleted file, is back with its old modification time."""
    if not lake.old:
        return "nothing to restore"
    file, content, time = lake.old.pop(lake.dice.randrange(len(lake.old)))
    if file.exists():
        lake.keep(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, ns=(time, time))
    return str(file)


def same_size(lake: Lake) -> str:
    """Other rows in as many bytes, a millisecond later: within the second of the file before."""
    file = lake.file(*ACTIVITY)
    table, size, time = read(file), file.stat().st_size, file.stat().st_mtime_ns + 1_000_000
    lake.keep(file)
    for turn in range(1, table.num_rows):
        turned = pa.array([*range(turn, table.num_rows), *range(turn)])
        columns = [
            column.take(turned) if i == 1 else column for i, column in enumerate(table.columns)
        ]
        pq.write_table(pa.table(columns, schema=table.schema), file)
        if file.stat().st_size == size:
            break
    os.utime(file, ns=(time, time))
    return f"{file}: {size} and {file.stat().st_size} bytes"


def delivered_again(lake: Lake) -> str:
    """The same file under another name: each of its rows is a duplicate."""
    file = lake.file()
    again = file.with_name(f"part-{lake.next()}.parquet")
    shutil.copy2(file, again)
    return f"{file} as {again.name}"


def renamed(lake: Lake) -> str:
    file = lake.file()
    lake.keep(file)
    new = file.rename(file.with_name(f"part-{lake.next()}.parquet"))
    return f"{file} to {new.name}"


def touched(lake: Lake) -> str:
    """A newer modification time, and nothing else."""
    file = lake.file()
    file.touch()
    return str(file)


def users_changed(lake: Lake) -> str:
    users = [lake.user(lake.dice.randrange(USERS)) for _ in range(2)]
    later = [user | {"updated_at": lake.moment(max(lake.days()))} for user in users]
    lake.add("users", later)
    return ", ".join(user["user_id"] for user in users)


def users_removed(lake: Lake) -> str:
    file = lake.file("users")
    table = read(file)
    lake.replace(file, table.slice(0, table.num_rows * 9 // 10))
    return str(file)


def column_added(lake: Lake) -> str:
    file = lake.file()
    table = read(file)
    name = f"extra_{lake.next()}"
    lake.replace(file, table.append_column(name, pa.array(range(table.num_rows))))
    return f"{file}: {name}"


def column_gone(lake: Lake) -> str:
    """A used column is gone from a file; without its key or time all of its rows are rejected."""
    file = lake.file()
    table = read(file)
    used = [name for name in table.column_names if name in SCHEMAS[lake.dataset(file)].names]
    if len(used) < 2:
        return f"{file}: nothing left to lose"
    name = lake.dice.choice(used)
    lake.replace(file, table.drop_columns([name]))
    return f"{file}: {name}"


def column_void(lake: Lake) -> str:
    """A column of a file is NULL throughout, and written without a type."""
    file = lake.file()
    table = read(file)
    name = lake.dice.choice(table.column_names)
    index = table.column_names.index(name)
    lake.replace(file, table.set_column(index, name, pa.nulls(table.num_rows)))
    return f"{file}: {name}"


MOMENT_TYPES = (MOMENT, pa.timestamp("us"), pa.string(), pa.date32())
TYPES: dict[str, tuple[pa.DataType, ...]] = {
    **dict.fromkeys(("ts", "created_at", "delivered_at", "updated_at"), MOMENT_TYPES),
    "amount": (pa.float64(), pa.decimal128(20, 3), pa.string()),
    "age": (pa.int32(), pa.int64(), pa.float64(), pa.string()),
    "phone": (pa.int64(), pa.string()),
}


def type_changed(lake: Lake) -> str:
    """The values of a file in other types: times as text or days, numbers as numbers."""
    file = lake.file()
    table = read(file)
    fields = [
        pa.field(kind.name, lake.dice.choice(TYPES.get(kind.name, (kind.type,))))
        for kind in table.schema
    ]
    lake.replace(file, _table(table.to_pylist(), pa.schema(fields)))
    return f"{file}: " + ", ".join(f"{kind.name} {kind.type}" for kind in fields)


def compacted(lake: Lake) -> str:
    """The files of a day become one."""
    dataset, day, files = lake.day()
    rows = [row for file in files for row in read(file).to_pylist()]
    lake.add(dataset, [_row(row, SCHEMAS[dataset]) for row in rows], day)
    for file in files:
        lake.delete(file)
    return f"{dataset} of {day}: {len(files)} files"


def _row(row: Row, schema: pa.Schema) -> Row:
    return {kind.name: _as(kind.type, row.get(kind.name)) for kind in schema}


def dataset_emptied(lake: Lake) -> str:
    dataset = lake.dice.choice([*SCHEMAS])
    for file in lake.files(dataset):
        lake.delete(file)
    return dataset


def moved_to_another_day(lake: Lake) -> str:
    file, day = lake.file(*ACTIVITY), lake.dice.choice(lake.days())
    moment = MOMENTS[lake.dataset(file)]

    def move(row: Row) -> Row:
        return row | {moment: lake.moment(day)} if moment in row and lake.often(0.2) else row

    lake.rewrite(file, move)
    return f"{file} to {day}"


def delivered_elsewhere(lake: Lake) -> str:
    """Rows of a file come again in another one, some of their values changed."""
    file = lake.file(*ACTIVITY)
    dataset = lake.dataset(file)
    rows = [_row(row, SCHEMAS[dataset]) for row in read(file).to_pylist() if lake.often(0.3)]
    news = {"country": "BR", "status": "delivered", "amount": "7.77"}
    again = [{name: news.get(name, value) for name, value in row.items()} for row in rows]
    return str(lake.add(dataset, again, lake.dice.choice(lake.days())))


def spoiled(lake: Lake) -> str:
    """Rows lose their id, their time or their amount."""
    file = lake.file(*ACTIVITY)
    columns = [KEYS[lake.dataset(file)], MOMENTS[lake.dataset(file)], "amount"]

    def spoil(row: Row) -> Row:
        column = lake.dice.choice(columns)
        return row | {column: None} if lake.often(0.3) else row

    lake.rewrite(file, spoil)
    return str(file)


def day_rejected(lake: Lake) -> str:
    """No row of a day has an id any more: the fact loses the day, the rejected rows keep it."""
    dataset, day, files = lake.day()
    for file in files:
        lake.rewrite(file, lambda row: row | {KEYS[dataset]: None})
    return f"{dataset} of {day}"


# In the order in which the shortest run goes through them.
CHANGES: tuple[Callable[[Lake], str], ...] = (
    new_day,
    users_changed,
    late_rows,
    corrected_rows,
    file_deleted,
    type_changed,
    day_deleted_everywhere,
    file_restored,
    same_size,
    moved_to_another_day,
    delivered_again,
    column_gone,
    delivered_elsewhere,
    users_removed,
    compacted,
    day_rejected,
    column_added,
    column_void,
    spoiled,
    day_deleted,
    renamed,
    touched,
    dataset_emptied,
)
