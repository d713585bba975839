"""Buckets: the partitions that entities lie in, many in each.

A bucket is a refinement of Kafka's partitions, which come of the same hash: while their number divides that of the
buckets, a bucket's alerts reach one worker, and workers seldom contend for one.
"""

from functools import lru_cache
from typing import Final

_KEPT: Final = 4_096
"""How many entities' buckets are kept: a change of one asks for its bucket a dozen times."""

BUCKETS: Final = 128
"""How many there are. It can't be changed: an entity would be looked for where it does not lie."""

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_32: Final = 0xFFFFFFFF


@lru_cache(_KEPT)
def bucket_of(entity: str) -> int:
    """Return the bucket of an entity, from 0 on: the same one in every process, run and release."""
    return (murmur2(entity.encode()) & 0x7FFFFFFF) % BUCKETS


def murmur2(data: bytes) -> int:
    """Return MurmurHash2 of 32 bits, by Austin Appleby, with the seed that Kafka's partitioners use."""
    length = len(data)
    found = _SEED ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        part = int.from_bytes(data[start : start + 4], "little") * _M & _32
        found = (found * _M & _32) ^ ((part ^ part >> 24) * _M & _32)
    if whole < length:
        found = (found ^ int.from_bytes(data[whole:], "little")) * _M & _32
    found = (found ^ found >> 13) * _M & _32
    return found ^ found >> 15
