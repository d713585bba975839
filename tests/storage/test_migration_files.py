import re

import pytest

from storage.errors import RefuseMigrationError
from storage.migration_files import Migration, migration, ordered, pending, shipped, statements
from storage.retention import window_days

ONE, TWO = Migration(1, "0001_a", "a"), Migration(2, "0002_b", "b")


def test_statements_are_split_and_lose_their_comments() -> None:
    text = "-- why; not\nCREATE a; -- more\n\nCREATE\n  b;\n-- end"
    assert statements(text) == ["CREATE a", "CREATE\n  b"]


def test_every_shipped_statement_may_be_run_twice() -> None:
    texts = [statement for m in shipped() for statement in statements(m.text)]
    assert len(texts) >= 5
    for text in texts:
        assert re.match(r"(CREATE|ALTER) .*\bIF NOT EXISTS\b", text, re.DOTALL), text


def test_what_is_not_applied_is_pending_in_order() -> None:
    assert pending([ONE, TWO], {}) == [ONE, TWO]
    assert pending([ONE, TWO], {1: ONE.checksum}) == [TWO]
    assert pending([ONE, TWO], {1: ONE.checksum, 2: TWO.checksum}) == []


def test_a_changed_migration_is_refused_by_name() -> None:
    with pytest.raises(RefuseMigrationError, match="0001_a was changed"):
        pending([ONE, TWO], {1: TWO.checksum})


def test_a_keyspace_from_the_future_is_refused() -> None:
    with pytest.raises(RefuseMigrationError, match=r"\[2\]"):
        pending([ONE], {1: ONE.checksum, 2: TWO.checksum})


@pytest.mark.parametrize("migrations", [[TWO], [ONE, ONE], [ONE, Migration(3, "0003_c", "")]])
def test_gaps_and_repeated_numbers_are_refused(migrations: list[Migration]) -> None:
    with pytest.raises(RefuseMigrationError, match="without gaps"):
        ordered(migrations)


@pytest.mark.parametrize("name", ["tables.cql", "1_tables.cql", "00001_x.cql"])
def test_a_file_without_a_number_is_refused(name: str) -> None:
    with pytest.raises(RefuseMigrationError, match="NNNN"):
        migration(name, "")


@pytest.mark.parametrize(("days", "window"), [(1, 1), (30, 1), (31, 2), (90, 3), (400, 14)])
def test_a_tables_life_is_some_30_windows(days: int, window: int) -> None:
    assert window_days(days) == window
