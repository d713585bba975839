"""What every `PermitStore` promises, run on the twin and on Cassandra."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.memory_permits import MemoryPermits
from storage.permit_table import CassandraPermits
from storage.permits import NEVER_STOPPED, Claim, Grant, PermitStore, Stop, grant

NOW = 1_700_000_000_000
LATER = NOW + 60_000


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> PermitStore:
    if request.param == "memory":
        return MemoryPermits()
    return CassandraPermits(request.getfixturevalue("session"), lambda: NOW)


def claims(*names: str, until: int = LATER) -> list[Claim]:
    return [Claim(name, until) for name in names]


def taken(store: PermitStore, *names: str, most: int = 2, now: int = NOW, **fields: Any) -> set[str]:
    return set(store.take_permits("rule", most, claims(*names, **fields), now).granted)


def test_the_first_claims_get_the_permits_that_are_left(store: PermitStore) -> None:
    assert store.take_permits("rule", 2, claims("a", "b", "c"), NOW) == Grant(frozenset("ab"), LATER)
    assert taken(store, "d") == set()


def test_asking_again_takes_nothing_more(store: PermitStore) -> None:
    assert taken(store, "a", "a") == {"a"}
    assert taken(store, "a", "b") == {"a", "b"}
    assert store.take_permits("rule", 2, claims("a", "b"), NOW) == Grant(frozenset("ab"), None)


def test_a_permit_lapses_at_its_time_and_asking_again_prolongs_it(store: PermitStore) -> None:
    taken(store, "a", "b")
    assert taken(store, "a", until=LATER + 5) == {"a"}
    assert taken(store, "c", "d", now=LATER) == {"c"}


def test_a_permit_that_is_given_back_is_free_at_once(store: PermitStore) -> None:
    taken(store, "a", "b")
    store.give_back_permits("rule", ["b", "unknown"])
    store.give_back_permits("never used", ["b"])
    assert taken(store, "c", "d") == {"c"}


def test_rules_are_apart_and_none_left_is_none(store: PermitStore) -> None:
    taken(store, "a", "b")
    assert store.take_permits("other", 2, claims("a", "b"), NOW).granted == frozenset("ab")
    assert store.take_permits("empty", 0, claims("a"), NOW) == Grant(frozenset(), None)


def test_of_many_at_once_no_more_than_the_limit_get_one(store: PermitStore) -> None:
    won: list[frozenset[str]] = []

    def claim(worker: int) -> None:
        won.append(store.take_permits("rule", 5, claims(*(f"{worker}-{n}" for n in range(3))), NOW).granted)

    threads = [threading.Thread(target=claim, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(len, won)) == 5


def test_all_commands_are_stopped_and_resumed(store: PermitStore) -> None:
    assert store.command_stop() == NEVER_STOPPED
    stop = Stop(stopped=True, who="ann", why="smoke", at=NOW)
    store.set_command_stop(stop)
    store.set_command_stop(Stop(stopped=False, who="bob", why="too late", at=NOW - 1))
    assert store.command_stop() == stop
    store.set_command_stop(Stop(stopped=False, who="bob", why="clear", at=NOW + 1))
    assert store.command_stop() == Stop(stopped=False, who="bob", why="clear", at=NOW + 1)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20)),
    st.integers(0, 5),
    st.lists(st.builds(Claim, st.sampled_from("abcdef"), st.integers(11, 30)), max_size=8),
)
def test_a_grant_never_exceeds_its_limit_and_takes_nothing_away(
    held: dict[str, int], most: int, asked: list[Claim]
) -> None:
    after, answer = grant(held, most, asked, 10)
    counting = {name for name, until in held.items() if until > 10}
    assert counting <= set(after)
    assert len(after) <= max(most, len(counting))
    assert set(after) == counting | answer.granted
    assert answer.granted <= {claim.command_id for claim in asked}
    assert counting & {claim.command_id for claim in asked} <= answer.granted
