from collections.abc import Iterator

import pytest
from cassandra.cluster import Session
from cassandra.query import SimpleStatement

from storage.errors import StopProcessError
from storage.flight import execute_all

pytestmark = pytest.mark.cassandra


def test_a_refused_statement_stops_the_ones_after_it(session: Session) -> None:
    session.execute("CREATE TABLE t (k int PRIMARY KEY)")
    sent = []

    def statements() -> Iterator[SimpleStatement]:
        for k in range(1_000):
            sent.append(k)
            yield SimpleStatement(
                "INSERT INTO nowhere (k) VALUES (1)" if k == 3 else "INSERT INTO t (k) VALUES (1)"
            )

    with pytest.raises(StopProcessError, match="filling t: Cassandra refuses it"):
        execute_all(session, statements(), most=2, doing="filling t")
    assert len(sent) < 20


def test_no_statements_are_no_work(session: Session) -> None:
    execute_all(session, [], most=4, doing="nothing")
