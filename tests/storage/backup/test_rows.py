"""Rows of a backup without a server: the digest of a set, the file, and which cells are written together."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.backup import files
from storage.backup.keyspace import living
from storage.backup.layers import Layer
from storage.backup.row_set import RowSet
from storage.backup.values import TYPES, Cell, StoredRow
from storage.backup.writing import groups

LAYER = Layer(
    table="t", is_static=False, partition=("a",), clustering=("b",), cells=("x", "y", "z"),
    types={"a": "text", "b": "timestamp", "x": "double", "y": "boolean", "z": "uuid"},
)  # fmt: skip
TIMES = st.integers(1, 2**60)


def cell(values: st.SearchStrategy[object]) -> st.SearchStrategy[Cell | None]:
    return st.none() | st.builds(Cell, values, TIMES, st.none() | st.integers(1, 2**33))  # type: ignore[arg-type]


ROWS = st.lists(
    st.builds(
        StoredRow,
        st.tuples(st.text(max_size=5), st.integers(-(2**50), 2**50)),
        st.tuples(cell(st.floats(allow_nan=False)), cell(st.booleans()), cell(st.uuids().map(str))),
    ),
    max_size=8,
)


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_a_file_gives_back_what_was_written(tmp_path_factory: object, rows: list[StoredRow]) -> None:
    path = Path(tmp_path_factory.mktemp("f")) / "t.parquet"  # type: ignore[attr-defined]
    files.write(path, LAYER, rows)
    assert list(files.read(path, LAYER)) == rows


@given(ROWS, st.randoms())
def test_a_digest_does_not_depend_on_the_order(rows: list[StoredRow], random: object) -> None:
    once = RowSet().add_all(rows)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert RowSet().add_all(rows) == once


@given(ROWS, ROWS)
def test_other_rows_have_another_digest(some: list[StoredRow], others: list[StoredRow]) -> None:
    def without_lives(rows: list[StoredRow]) -> list[str]:
        return sorted(repr((row.key, [c and c[:2] for c in row.cells])) for row in rows)

    same = RowSet().add_all(some) == RowSet().add_all(others)
    assert same == (without_lives(some) == without_lives(others))


def test_one_changed_value_time_or_row_changes_the_digest() -> None:
    row = StoredRow(("a", 1), (Cell(1.5, 7, None), None, None))
    others = [
        StoredRow(("a", 1), (Cell(1.25, 7, None), None, None)),
        StoredRow(("a", 1), (Cell(1.5, 8, None), None, None)),
        StoredRow(("a", 2), (Cell(1.5, 7, None), None, None)),
        StoredRow(("a", 1), (None, None, None)),
    ]
    digests = {RowSet().add_all([each]).digest for each in [row, *others]}
    assert len(digests) == 5
    assert (
        RowSet().add_all([row]).digest
        == RowSet().add_all([row._replace(cells=(Cell(1.5, 7, 99), None, None))]).digest
    )
    assert RowSet().add_all([row, row]).digest != RowSet().add_all([row]).digest


def test_cells_of_one_write_go_together_those_that_live_longest_first() -> None:
    lasting, short, other = Cell(1.0, 5, None), Cell(2.0, 9, 200), Cell("u", 5, None)
    assert groups(StoredRow(("a", 1), (short, lasting, other))) == [{1: lasting, 2: other}, {0: short}]
    assert groups(StoredRow(("a", 1), (None, None, None))) == []


def test_what_has_ended_is_left_out() -> None:
    lasting, ended, bare = Cell(1.0, 5, None), Cell(2.0, 9, 200), StoredRow(("b", 1), (None,))
    rows = [StoredRow(("a", 1), (lasting, ended)), StoredRow(("a", 2), (ended,)), bare]
    assert list(living(rows, lambda: 199_999)) == rows
    assert list(living(rows, lambda: 200_000)) == [StoredRow(("a", 1), (lasting, None)), bare]


def test_a_column_that_a_backup_does_not_have_is_absent(tmp_path: Path) -> None:
    old = replace(LAYER, cells=("x",))
    files.write(tmp_path / "t", old, [StoredRow(("a", 1), (Cell(1.5, 7, None),))])
    assert list(files.read(tmp_path / "t", LAYER)) == [StoredRow(("a", 1), (Cell(1.5, 7, None), None, None))]


def test_values_are_kept_by_type() -> None:
    assert TYPES["uuid"].bindable("00000000-0000-0000-0000-000000000007").int == 7
    assert TYPES["date"].bindable(0) == 2**31
