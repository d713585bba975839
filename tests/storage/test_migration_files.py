import re

import pytest

from storage.errors import RefuseMigrationError
from storage.migration_files import (
    Applied,
    Migration,
    due,
    is_contraction,
    migration,
    ordered,
    pending,
    shipped,
    statements,
    steps,
)
from storage.retention import window_days

ONE, TWO = Migration(1, "0001_a", "a"), Migration(2, "0002_b", "b")
DROP, FOUR = Migration(3, "0003_contract_b", "c"), Migration(4, "0004_d", "d")


def applied(*migrations: Migration) -> dict[int, Applied]:
    return {m.number: Applied(m.name, m.checksum) for m in migrations}


def test_statements_are_split_and_lose_their_comments() -> None:
    text = "-- why; not\nCREATE a; -- more\n\nCREATE\n  b;\n-- end"
    assert statements(text) == ["CREATE a", "CREATE\n  b"]


def test_every_shipped_statement_may_be_run_twice() -> None:
    texts = [statement for m in shipped() for statement in statements(m.text)]
    assert len(texts) >= 5
    for text in texts:
        assert re.match(r"(CREATE|ALTER|DROP) .*\bIF (NOT )?EXISTS\b", text, re.DOTALL), text


def test_what_is_not_applied_is_pending_in_order() -> None:
    assert pending([ONE, TWO], {}) == [ONE, TWO]
    assert pending([ONE, TWO], applied(ONE)) == [TWO]
    assert pending([ONE, TWO], applied(ONE, TWO)) == []


def test_a_changed_migration_is_refused_by_name() -> None:
    with pytest.raises(RefuseMigrationError, match="0001_a was changed"):
        pending([ONE, TWO], {1: Applied(ONE.name, TWO.checksum)})


def test_an_older_program_lives_with_what_a_newer_one_added_and_not_with_what_it_took_away() -> None:
    assert pending([ONE, TWO], applied(ONE, FOUR)) == [TWO]
    with pytest.raises(RefuseMigrationError, match="contracted by 0003_contract_b"):
        pending([ONE, TWO], applied(ONE, TWO, DROP))
    assert pending([ONE, TWO, DROP], applied(ONE, TWO, DROP)) == []


def test_contractions_wait_until_they_are_asked_for_but_in_a_new_keyspace() -> None:
    every = [ONE, TWO, DROP, FOUR]
    assert due(every, applied(ONE), contract=False) == [TWO, FOUR]
    assert due(every, applied(ONE), contract=True) == [TWO, DROP, FOUR]
    assert due(every, {}, contract=False) == every
    assert due(every, applied(ONE, TWO, FOUR), contract=True) == [DROP]


def test_a_new_keyspace_gets_no_table_that_is_dropped_again() -> None:
    made = Migration(
        1, "0001_a", "CREATE TABLE IF NOT EXISTS a (k int); CREATE TABLE IF NOT EXISTS b (k int)"
    )
    more = Migration(
        2, "0002_b", "CREATE INDEX IF NOT EXISTS i ON a (k); ALTER TABLE a ADD IF NOT EXISTS c int"
    )
    drop = Migration(3, "0003_contract_a", "DROP TABLE IF EXISTS a")
    anew = Migration(4, "0004_a", "CREATE TABLE IF NOT EXISTS a (k text)")
    every = [made, more, drop, anew]
    assert steps(every, is_new=True) == [
        (made, ["CREATE TABLE IF NOT EXISTS b (k int)"]),
        (more, []),
        (drop, []),
        (anew, [anew.text]),
    ]
    assert steps(every, is_new=False) == [(m, statements(m.text)) for m in every]
    assert steps([made, more], is_new=True) == [(m, statements(m.text)) for m in (made, more)]


def test_only_a_contraction_takes_something_away() -> None:
    assert not is_contraction(migration("0011_b.cql", "CREATE TABLE IF NOT EXISTS b (k int);").name)
    assert migration("0011_contract_b.cql", "DROP TABLE IF EXISTS b;").contracts
    for statement in (
        "DROP TABLE IF EXISTS b",
        "ALTER TABLE b DROP c",
        "TRUNCATE b",
        "CREATE TABLE b (k int)",
    ):
        with pytest.raises(RefuseMigrationError, match="an expansion says CREATE"):
            migration("0011_b.cql", f"-- why\n{statement};")


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
