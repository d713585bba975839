"""Rows as named tuples: as the driver makes them, by one class for each kind of answer."""

import pytest
from cassandra.query import named_tuple_factory

from storage.rows import named_rows


@pytest.mark.parametrize(
    "columns",
    [
        ("entity", "version"),
        ("[applied]", "version"),
        ("system.count(*)", "ttl(body)"),
        ("class", "_hidden"),
        ("id", "id"),
    ],
)
def test_columns_are_named_as_by_the_driver(columns: tuple[str, str]) -> None:
    answer = [("a", 1), ("b", None)]
    expected = named_tuple_factory(columns, answer)
    found = named_rows(columns, answer)
    assert found == expected
    assert [row._fields for row in found] == [row._fields for row in expected]


def test_answers_of_one_kind_share_a_class() -> None:
    (first,), (second,) = named_rows(["a"], [[1]]), named_rows(["a"], [[2]])
    (other,) = named_rows(["b"], [[1]])
    assert type(first) is type(second)
    assert type(first) is not type(other)


def test_no_rows_are_none() -> None:
    assert named_rows(["a"], []) == []
