"""What a shard takes at once: divided, each entity's messages stay in their order, and few enough are in one write."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.items import Wake, rounds

ITEMS = st.lists(st.builds(Wake, entity=st.sampled_from("abc"), commands=st.tuples(st.uuids().map(str))))


@given(items=ITEMS, most=st.integers(1, 5))
def test_no_list_has_too_much_of_an_entity_and_nothing_is_lost_or_overtaken(
    items: list[Wake], most: int
) -> None:
    divided = rounds(items, most)
    assert all(max(Counter(item.entity for item in part).values()) <= most for part in divided)
    for entity in "abc":
        assert [i for part in divided for i in part if i.entity == entity] == [
            i for i in items if i.entity == entity
        ]
    assert len(divided) == -(-max(Counter(item.entity for item in items).values(), default=0) // most)
