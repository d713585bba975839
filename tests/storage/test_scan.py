from itertools import pairwise

import pytest
from cassandra.cluster import Session
from hypothesis import given
from hypothesis import strategies as st

from storage.scan import FIRST, LAST, ranges, scan

PARTS = st.integers(1, 300)


@given(PARTS, st.integers(FIRST + 1, LAST))
def test_each_token_lies_in_one_range(parts: int, token: int) -> None:
    assert sum(start < token <= end for start, end in ranges(parts)) == 1


@given(PARTS)
def test_ranges_touch_and_span_the_ring(parts: int) -> None:
    cut = ranges(parts)
    assert (cut[0][0], cut[-1][1], len(cut)) == (FIRST, LAST, parts)
    assert all(a[1] == b[0] for a, b in pairwise(cut))


@pytest.mark.cassandra
def test_a_scan_pages_and_asks_no_further_ahead_than_told(session: Session) -> None:
    session.execute("CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))")
    insert = session.prepare("INSERT INTO t (a, b) VALUES (?, ?)")
    rows = {(a, b) for a in range(40) for b in range(25)}
    for row in rows:
        session.execute(insert, row)
    select = session.prepare("SELECT a, b FROM t WHERE token(a) > ? AND token(a) <= ?")
    select.fetch_size = 7
    found = [(row.a, row.b) for row in scan(session, select, parts=5, ahead=2)]
    assert len(found) == len(rows)
    assert set(found) == rows
