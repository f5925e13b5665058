"""Gold of real purchases has the totals that others have published of them.

Guards against rows that are lost or doubled in a way that a generated Silver, and the computation beside it, do not
show; and against another file under the package's name.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from goldkit import example
from goldkit.dbt import Warehouse
from goldkit.environment import SetupError

from .conftest import assert_exact


@pytest.mark.long
def test_totals_of_real_purchases(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        text = example.fetch(tmp_path)
    except SetupError as error:
        pytest.skip(str(error))
    with monkeypatch.context() as patched, pytest.raises(SetupError, match="DO NOT MATCH THE HASHES"):
        patched.setattr(example, "SHA256", "0" * 64)
        example.fetch(tmp_path / "another")
    example.write_silver(text, warehouse.silver)
    outcome = warehouse.build(variables={"earliest_date": example.FIRST_DAY})
    assert_exact(warehouse, outcome, earliest=date.fromisoformat(example.FIRST_DAY))
    for total, found in example.totals(warehouse.gold).items():
        assert set(found.values()) == {example.PUBLISHED[total]}, total
