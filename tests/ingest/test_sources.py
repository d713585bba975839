import io
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RefuseInputError
from ingest.sources.files import open_source
from ingest.sources.json_lines import MAX_LINE_BYTES, read_lines
from ingest.sources.parquet import BATCH_ROWS
from ingest.sources.source import Broken, Columns

AB = Columns(("b", "a"))


def test_parquet_streams_the_wanted_columns_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    count = 2 * BATCH_ROWS + 5
    pq.write_table(
        pa.table({"a": range(count), "b": [f"t{n}" for n in range(count)], "c": [0.5] * count}), path
    )
    source = open_source(path, AB)
    assert source.about == count
    rows = list(source.rows)
    assert rows[0] == (1, ("t0", 0))
    assert rows[-1] == (count, (f"t{count - 1}", count - 1))
    assert [number for number, _ in rows] == list(range(1, count + 1))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize(("zone", "held"), [(None, "wall times"), ("Europe/Vienna", "instants")])
def test_parquet_timestamps_come_as_microseconds(
    tmp_path: Path, unit: str, zone: str | None, held: str
) -> None:
    path = tmp_path / "x.parquet"
    times = pa.array([1_000, None], pa.timestamp(unit, zone))
    pq.write_table(pa.table({"a": times, "b": [1, 2]}), path)
    source = open_source(path, AB)
    assert source.shape.held["a"] == held
    assert [row for _, row in source.rows][1] == (2, None)


def test_a_row_knows_its_file_and_its_number(tmp_path: Path) -> None:
    path = tmp_path / "pump-7.csv"
    path.write_text("a,b\n1,2\n3\n5,6\n")
    source = open_source(path, Columns(("@file", "a", "@row")))
    assert source.shape.columns == ("a", "@file", "@row")
    rows = dict(source.rows)
    assert rows[2] == ("1", "pump-7", 2)
    assert isinstance(rows[3], Broken)
    assert rows[4] == ("5", "pump-7", 4)
    assert source.about == 3


@pytest.mark.parametrize("ending", ["dat", "txt"])
def test_values_between_blanks_have_the_columns_of_the_mapping(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"d01.{ending}"
    path.write_text("  1.0e+00   2  x \n\n4 5\n4 5 6 7\n7\t8 9")
    columns = Columns(("c", "a", "@row"), names=("a", "b", "c"))
    rows = dict(open_source(path, columns).rows)
    assert (rows[1], rows[5]) == (("x", "1.0e+00", 1), ("9", "7", 5))
    broken = [row.reason for row in rows.values() if isinstance(row, Broken)]
    assert broken == ["empty", "missing_field", "unknown_field"]


@pytest.mark.parametrize(
    ("name", "names", "why"),
    [
        ("x.dat", (), "name its columns in the mapping"),
        ("x.dat", ("a", "c"), "has no column b"),
        ("x.csv", ("a", "b"), "leave `columns` out"),
    ],
)
def test_columns_are_named_once(tmp_path: Path, name: str, names: tuple[str, ...], why: str) -> None:
    path = tmp_path / name
    path.write_text("a,b\n")
    with pytest.raises(RefuseInputError, match=why):
        open_source(path, AB._replace(names=names))


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(RefuseInputError, match="not a Parquet file"):
        open_source(path, AB)


def test_csv_rows_are_text_and_broken_ones_are_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(
        b'\xef\xbb\xbfa,b,c\n1,"two, quoted",\n2\n\n3,4,5,6\n7,"two\nlines",x\n8,\xff,x\n"9"9,1,2\n10,ten,\n'
    )
    rows = dict(open_source(path, AB).rows)
    assert rows[2] == ["two, quoted", "1"]
    assert rows[7] == ["two\nlines", "7"]
    assert rows[8] == ["\udcff", "8"]
    assert rows[10] == ["ten", "10"]
    broken = {number: row.reason for number, row in rows.items() if isinstance(row, Broken)}
    assert broken == {3: "missing_field", 4: "empty", 5: "unknown_field", 9: "wrong_type"}


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_csv_of_another_writer_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    written = io.BytesIO()
    pc.write_csv(pa.table({"a": [a for a, _ in cells], "b": [b for _, b in cells]}), written)
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(written.getvalue())
    assert [row for _, row in open_source(path, AB).rows] == [[b, a] for a, b in cells]


def test_json_lines_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [
        b'{"a":1,"b":"x","z":0}',
        b'{"a":1',
        b"",
        b"[1]",
        b'{"a":NaN,"b":1}',
        b'{"a":2}',
        b'\xff{"a":1}',
        b'{"b":null,"a":3}',
    ]
    path.write_bytes(b"\n".join(lines))
    rows = dict(open_source(path, AB).rows)
    assert rows[1] == ["x", 1]
    assert rows[8] == [None, 3]
    broken = {number: (row.reason, row.held) for number, row in rows.items() if isinstance(row, Broken)}
    assert broken == {
        2: ("malformed_json", lines[1]),
        3: ("empty", b""),
        4: ("wrong_type", b"[1]"),
        5: ("not_finite", lines[4]),
        6: ("missing_field", [None, 2]),
        7: ("malformed_json", lines[6]),
    }


def test_an_optional_column_may_be_lacking(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b'{"a":1}\n')
    assert list(open_source(path, Columns(("a", "b"), frozenset({"b"}))).rows) == [(1, [1, None])]


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    size = 3 * MAX_LINE_BYTES + 7
    path.write_bytes(b"x" * size + b"\n" + b"y" * MAX_LINE_BYTES + b"\n{}")
    (_, long), (_, longest), (_, last) = read_lines(path)
    assert isinstance(long, Broken)
    assert (long.reason, long.size) == ("too_large", size + 1)
    assert longest == b"y" * MAX_LINE_BYTES
    assert last == b"{}"


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_a_missing_column_is_refused_with_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    table = pa.table({"a": [1], "c": [datetime(2024, 1, 1)]})  # noqa: DTZ001 - a wall time
    pq.write_table(table, path) if name.endswith("parquet") else pc.write_csv(table, path)
    with pytest.raises(RefuseInputError, match=f"{name} has no column b; it has a, c"):
        open_source(path, AB)


@pytest.mark.parametrize(("name", "text"), [("x.xlsx", "Name it .parquet, .csv"), ("none.csv", "can't read")])
def test_other_files_are_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(RefuseInputError, match=text):
        open_source(tmp_path / name, AB)
