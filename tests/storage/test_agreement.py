"""A change of the schema counts when every node has it."""

import pytest

from storage.agreement import insist_agreed
from storage.errors import RetryLaterError

CREATE = "CREATE TABLE IF NOT EXISTS b (k int PRIMARY KEY)"


def test_nodes_that_agree_are_not_waited_for() -> None:
    insist_agreed(lambda _: pytest.fail("it waited"), agreed=True, within_s=5, statement=CREATE)


def test_nodes_are_given_all_the_time_there_is() -> None:
    asked: list[float] = []
    insist_agreed(lambda seconds: asked.append(seconds) or True, agreed=False, within_s=5, statement=CREATE)
    assert asked == [5]


def test_disagreement_is_an_error_that_says_what_to_do() -> None:
    for answer in (False, None):
        with pytest.raises(
            RetryLaterError, match=r"within 5 s of CREATE TABLE IF NOT EXISTS: .*migrate again"
        ):
            insist_agreed(lambda _, said=answer: said, agreed=False, within_s=5, statement=CREATE)
