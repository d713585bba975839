"""What every `RedriveStore` promises, run on the twin and on Cassandra."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from storage.memory_redrives import MemoryRedrives
from storage.redrive_table import CassandraRedrives
from storage.redrives import Redrive, RedriveStore

NOW = 1_800_000_000_123
FIRST = Redrive(
    letter_id="l1", claim="a", who="ann", why="because 'ä'", reason="missing_field", source="kafka",
    position="transactions/0/3", fix='{"drop":["pin"]}', event_id="t1", topic="transactions", claimed_at=NOW,
)  # fmt: skip
SENT = replace(FIRST, sent_at=NOW + 5, partition=0, offset=7)


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> RedriveStore:
    if request.param == "memory":
        return MemoryRedrives()
    return CassandraRedrives(request.getfixturevalue("session"))


def test_a_letter_is_claimed_once(store: RedriveStore) -> None:
    assert store.of("l1") is None
    assert store.claim(FIRST) == FIRST
    assert store.claim(FIRST) == FIRST
    assert store.claim(replace(FIRST, claim="b", who="ben")) == FIRST
    assert store.of("l1") == FIRST
    assert list(store.all()) == [FIRST]


def test_what_was_sent_is_noted_by_who_holds_the_claim(store: RedriveStore) -> None:
    store.claim(FIRST)
    assert not store.settle(replace(SENT, claim="b"))
    assert store.of("l1") == FIRST
    assert store.settle(SENT)
    assert store.settle(SENT)
    assert store.of("l1") == SENT


def test_a_claim_that_came_to_nothing_is_taken_over_once(store: RedriveStore) -> None:
    store.claim(FIRST)
    second, third = replace(FIRST, claim="b", claimed_at=NOW + 9), replace(FIRST, claim="c")
    assert store.take_over(FIRST, second) == second
    assert store.take_over(FIRST, third) == second
    assert not store.settle(SENT)


def test_what_was_sent_is_not_taken_over(store: RedriveStore) -> None:
    store.claim(FIRST)
    store.settle(SENT)
    assert store.take_over(FIRST, replace(FIRST, claim="b")) == SENT


def test_of_many_at_once_one_gets_the_claim(store: RedriveStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: store.claim(replace(FIRST, claim=str(n))).claim, range(8)))
    assert len(set(found)) == 1
