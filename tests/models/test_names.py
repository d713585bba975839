import pytest

from models.names import renamed


@pytest.mark.parametrize(
    ("sql", "result"),
    [
        ("a + b", "x + a"),
        ("a / weight_1", "x / weight_1"),
        ("ab + a_b + a1", "ab + a_b + a1"),
        ("b = 'a' or b = 'it\\'s a'", "a = 'a' or a = 'it\\'s a'"),
        ("a(1) + a (2) + a", "a(1) + a (2) + x"),
        ("kept.a + a.b", "kept.a + x.b"),
        ("max_by(struct(b as a), a)", "max_by(struct(a as a), x)"),
        ("2b + 1e5", "2b + 1e5"),
    ],
)
def test_columns_are_renamed_at_once_and_nothing_else(sql: str, result: str) -> None:
    assert renamed(sql, {"a": "x", "b": "a", "e5": "no"}) == result
