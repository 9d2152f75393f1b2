"""The names that a library exports, asked by their digests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torchlink.read.symbol_table import SymbolTable, pack

_NAMES = st.frozensets(st.text(st.characters(), max_size=12), max_size=60)


@given(_NAMES, _NAMES)
def test_what_was_packed_is_there_and_nothing_else(names: frozenset[str], others: frozenset[str]) -> None:
    table = SymbolTable(pack(names))
    assert len(table) == len(names)
    assert {one for one in names | others if one in table} == names


def test_names_that_are_no_text() -> None:
    table = SymbolTable(pack(["\udcff", "_ZN3c104keptEi"]))
    assert "\udcff" in table and "" not in table and 3 not in table


@given(st.binary(max_size=100))
def test_any_bytes_are_a_table(data: bytes) -> None:
    table = SymbolTable(data)
    assert len(table) == len(data) // 8
    assert isinstance("x" in table, bool)
