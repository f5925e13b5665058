"""Real purchases as Silver: what customers bought at CDNOW, a shop for music, from January 1997 to June 1998.

The file is part of the PyPI package Lifetimes (MIT licence). The package is no longer developed, and none of its code
is used: pip fetches the wheel once, and checks its hash. Each line of the file is a purchase: customer, day, number
of records, dollars. It has no id of a purchase, so the number of the line is taken; it has no events, and of a user
only the id.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb

from goldkit import silver
from goldkit.compare import PATHS
from goldkit.environment import PROJECT, SetupError

FOLDER = PROJECT / ".local" / "example"
PACKAGE = "lifetimes==0.11.3"
SHA256 = "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8"
FILE = "lifetimes/datasets/CDNOW_master.txt"
FIRST_DAY = "1997-01-01"

# What others say of this file. Customers: Fader and Hardie, "Notes on the CDNOW Master Data Set", 2013
# (http://brucehardie.com/notes/026/). Purchases and dollars: the many published analyses of CDNOW_master.txt.
PUBLISHED = {"customers": Decimal(23_570), "purchases": Decimal(69_659), "revenue": Decimal("2500315.63")}


def fetch(folder: Path) -> str:
    """The text of the file. The wheel is kept in `folder`. Raises SetupError where pip cannot fetch it as it was."""
    found = list(folder.glob("*.whl"))
    if not found:
        with tempfile.TemporaryDirectory() as scratch:
            wanted = Path(scratch) / "example.txt"
            wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                 "--only-binary=:all:", "--require-hashes", "--dest", folder, "--requirement", wanted],
                capture_output=True, text=True,
            )  # fmt: skip
        found = list(folder.glob("*.whl"))
        if done.returncode or not found:
            raise SetupError(f"pip cannot fetch {PACKAGE}, of which the data is: {done.stderr.strip()}")
    with zipfile.ZipFile(found[0]) as wheel:
        return wheel.read(FILE).decode()


def write_silver(text: str, folder: Path) -> None:
    """Silver from the lines of the file: every purchase as it stands there, twice where it stands there twice."""
    purchases, users = [], {}
    for number, line in enumerate(text.splitlines()[1:], 1):
        customer, day, _, dollars = line.split()
        created_at = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        purchases.append({"tx_id": str(number), "user_id": customer, "amount": dollars, "created_at": created_at})
        users[customer] = {"user_id": customer}
    silver.write(folder / "transactions" / "cdnow.parquet", purchases)
    silver.write(folder / "users" / "cdnow.parquet", list(users.values()))
    silver.write(folder / "events" / "none.parquet", [], silver.EVENTS_SCHEMA)


def totals(gold: Path) -> dict[str, dict[str, Decimal]]:
    """What each table of Gold that has them says of the published totals: {total: {table: value}}."""
    names = ("fact_transactions", "daily_revenue", "user_ltv")
    files = (f"read_parquet('{gold / PATHS[name]}/*/*.parquet')" for name in names)
    tables = dict(zip(("fact", "days", "users"), files, strict=True))
    query = """
        select
            (select count(distinct user_id) from {fact}), (select count(*) from {users}),
            (select count(*) from {fact}), (select sum(transaction_count) from {days}),
            (select sum(transaction_count) from {users}),
            (select sum(amount) from {fact}), (select sum(total_revenue) from {days}), (select sum(ltv) from {users})
    """.format(**tables)
    row = duckdb.sql(query).fetchone()
    assert row is not None
    fact_users, users, *values = [Decimal(value or 0) for value in row]
    return {
        "customers": {"fact_transactions": fact_users, "user_ltv": users},
        "purchases": dict(zip(names, values[:3], strict=True)),
        "revenue": dict(zip(names, values[3:], strict=True)),
    }
