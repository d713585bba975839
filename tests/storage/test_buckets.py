"""Buckets: the hash is Kafka's, so that a bucket lies within one partition; which saves share a batch."""

from collections import Counter

import pytest
from aiokafka.partitioner import murmur2 as of_kafka
from hypothesis import given
from hypothesis import strategies as st

from storage.buckets import BUCKETS, bucket_of, murmur2
from storage.entities import Change, CommandRow, Save
from storage.save_batches import MOST_BYTES, MOST_ENTITIES, waves


@given(data=st.binary(max_size=70))
def test_the_hash_is_that_of_kafkas_partitioners(data: bytes) -> None:
    assert murmur2(data) == of_kafka(data) % 2**32


@given(entity=st.text(max_size=40), partitions=st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]))
def test_a_bucket_lies_within_one_partition(entity: str, partitions: int) -> None:
    assert bucket_of(entity) % partitions == (of_kafka(entity.encode()) & 0x7FFFFFFF) % partitions


def test_entities_spread_evenly() -> None:
    counts = Counter(bucket_of(f"tok_{n:024x}") for n in range(100 * BUCKETS))
    assert len(counts) == BUCKETS
    assert 50 < min(counts.values()) <= max(counts.values()) < 200


SIZES = st.sampled_from([0, 10, 1_000, MOST_BYTES // 2, 2 * MOST_BYTES])
SAVES = st.lists(
    st.builds(lambda n, size: Save(f"card-{n}", 0, Change("s" * size)), st.integers(0, 400), SIZES),
    max_size=150,
    unique_by=lambda save: save.entity,
)


@given(saves=SAVES)
def test_every_save_is_in_one_batch_of_its_partition_and_batches_are_bounded(saves: list[Save]) -> None:
    found = list(waves(saves, lambda entity: int(entity[5:]) % 3))
    batches = [batch for wave in found for batch in wave]
    assert sorted(place for batch in batches for place in batch) == list(range(len(saves)))
    for wave in found:
        partitions = [{int(saves[place].entity[5:]) % 3 for place in batch} for batch in wave]
        assert all(len(each) == 1 for each in partitions)
        assert len(set.union(*partitions)) == len(wave)
    for batch in batches:
        assert len(batch) <= MOST_ENTITIES
        assert len(batch) == 1 or sum(len(saves[place].change.state) for place in batch) <= MOST_BYTES


@pytest.mark.parametrize("count", [0, 1, MOST_ENTITIES, MOST_ENTITIES + 1])
def test_as_few_batches_as_possible(count: int) -> None:
    change = Change("s", ("a",), (CommandRow("k", "queued", "{}"),))
    found = list(waves([Save(f"{n}", 0, change) for n in range(count)], lambda _: 0))
    assert len(found) == -(-count // MOST_ENTITIES)
