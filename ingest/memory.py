"""The in-memory twin of Kafka: a bus with producers, consumers and groups, for tests without a server."""

import itertools
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from ingest.catalog import group_name, topic_name, wanted
from ingest.errors import RefuseInputError
from ingest.ports import Clock, Headers, OnAck, Record
from ingest.settings import KafkaSettings, TopicName

MAX_VALUE_BYTES: Final = 1_000_000
"""Larger values are refused, as Kafka's producer does."""

Where = tuple[str, int]
"""A topic's name with prefix, and a partition."""


class Bus:
    """Topics, as the settings want them, and the offsets of groups.

    Parameters
    ----------
    settings
        Prefix and partitions count; the rest concerns servers.
    clock
        Milliseconds since the epoch, for records without timestamp and topics that the broker stamps.
    """

    def __init__(self, settings: KafkaSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.topics = {topic_name(settings, name): topic for name, topic in wanted(settings).items()}
        self.logs: dict[Where, list[Record]] = {
            (name, partition): []
            for name, topic in self.topics.items()
            for partition in range(topic.partitions)
        }
        self.groups: defaultdict[str, _Group] = defaultdict(_Group)

    def producer(self) -> "MemoryProducer":
        """Return a producer to this bus."""
        return MemoryProducer(self)

    def consumer(self, group: str, topics: Sequence[TopicName]) -> "MemoryConsumer":
        """Return a new member of a group."""
        names = [topic_name(self.settings, topic) for topic in topics]
        return MemoryConsumer(self, self.groups[group_name(self.settings, group)], names)

    def follower(self, starts: Mapping[Where, int]) -> "MemoryFollower":
        """Return a reader of partitions from these offsets on."""
        return MemoryFollower(self, starts)

    def offsets_since(self, topic: TopicName, since_ms: int) -> dict[int, int]:
        """Return the offset of the first record with this timestamp or a later one, by partition; without one, the end."""
        name = topic_name(self.settings, topic)
        return {
            partition: next((r.offset for r in log if r.timestamp_ms >= since_ms), len(log))
            for (of, partition), log in self.logs.items()
            if of == name
        }

    def read_all(self, topic: TopicName) -> Iterator[Record]:
        """Read a topic from its first record to the ends it has now."""
        name = topic_name(self.settings, topic)
        logs = [list(self.logs[name, partition]) for partition in range(self.topics[name].partitions)]
        return itertools.chain.from_iterable(logs)

    def read_since(self, topic: TopicName, since_ms: int) -> Iterator[Record]:
        """Read a topic from the first record of each partition that has this timestamp or a later one."""
        begun: set[int] = set()
        for record in self.read_all(topic):
            if record.partition in begun or record.timestamp_ms >= since_ms:
                begun.add(record.partition)
                yield record

    def end_offsets(self, topic: TopicName) -> dict[int, int]:
        """Return the offset after the last record, by partition."""
        name = topic_name(self.settings, topic)
        return {partition: len(log) for (of, partition), log in self.logs.items() if of == name}


class MemoryFollower:
    """The twin of `ingest.follower.Follower`."""

    def __init__(self, bus: Bus, starts: Mapping[Where, int]) -> None:
        self._bus = bus
        self._next = dict(starts)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:  # noqa: ARG002 - nothing is waited for
        """Return what is there, in the order of each partition."""
        records: list[Record] = []
        for where, offset in self._next.items():
            more = self._bus.logs[where][offset : offset + max_records - len(records)]
            self._next[where] = max(offset, more[-1].offset + 1) if more else offset
            records += more
        return records

    def bounds(self) -> dict[Where, tuple[int, int]]:
        """Return the first offset of every partition and the one after its last."""
        return {where: (0, len(self._bus.logs[where])) for where in self._next}


class _Group:
    """The members of a consumer group and what they committed."""

    def __init__(self) -> None:
        self.members: list[MemoryConsumer] = []
        self.committed: dict[Where, int] = {}

    def rebalance(self, partitions: Callable[["MemoryConsumer"], list[Where]]) -> None:
        """Deal every topic's partitions out to the members that want it."""
        owned: defaultdict[int, list[Where]] = defaultdict(list)
        wanted_by: defaultdict[Where, list[MemoryConsumer]] = defaultdict(list)
        for member in self.members:
            for where in partitions(member):
                wanted_by[where].append(member)
        for number, (where, members) in enumerate(sorted(wanted_by.items(), key=lambda item: item[0])):
            owned[id(members[number % len(members)])].append(where)
        for member in self.members:
            member.assign(owned[id(member)])


class MemoryProducer:
    """The twin of `ingest.producer.Producer`; records are acknowledged by `flush`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._acks: list[Callable[[], None]] = []

    def send(
        self,
        topic: TopicName,
        key: bytes | str,
        value: bytes,
        *,
        headers: Headers | None = None,
        timestamp_ms: int | None = None,
        on_ack: OnAck | None = None,
    ) -> None:
        """Append one record; the same key goes to the same partition."""
        name = topic_name(self._bus.settings, topic)
        if len(value) > MAX_VALUE_BYTES:
            raise RefuseInputError(f"send {len(value)} bytes to {name}: at most {MAX_VALUE_BYTES} are taken")
        shape = self._bus.topics[name]
        raw_key = key.encode() if isinstance(key, str) else key
        partition = zlib.crc32(raw_key) % shape.partitions
        own_time = timestamp_ms if shape.timestamps == "CreateTime" else None
        stamp = self._bus.clock() if own_time is None else own_time
        log = self._bus.logs[name, partition]
        log.append(Record(name, partition, len(log), raw_key, value, stamp, tuple(headers or ())))
        if on_ack is not None:
            offset = len(log) - 1
            self._acks.append(lambda: on_ack(partition, offset))

    def flush(self) -> None:
        """Acknowledge everything sent."""
        acks, self._acks = self._acks, []
        for ack in acks:
            ack()

    def settle(self, done: Callable[[], bool]) -> None:
        """Acknowledge everything sent, if that is asked for."""
        if not done():
            self.flush()

    def close(self) -> None:
        """Flush."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()


class MemoryConsumer:
    """The twin of `ingest.consumer.Consumer`; joining and leaving rebalances the group at once."""

    def __init__(self, bus: Bus, group: _Group, topics: Sequence[str]) -> None:
        self._bus = bus
        self._group = group
        self._topics = topics
        self._positions: dict[Where, int] = {}
        group.members.append(self)
        group.rebalance(MemoryConsumer.wants)

    def wants(self) -> list[Where]:
        """Return the partitions of the topics it reads."""
        return [where for where in self._bus.logs if where[0] in self._topics]

    def assign(self, partitions: Sequence[Where]) -> None:
        """Own these partitions from now on; new ones begin where the group has committed."""
        committed = self._group.committed
        self._positions = {where: self._positions.get(where, committed.get(where, 0)) for where in partitions}

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return what is there, or nothing after `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while not (records := self._next(max_records)) and time.monotonic() < deadline:
            time.sleep(0.001)
        return records

    def commit(self, records: Sequence[Record]) -> None:
        """Mark everything up to these records, per partition, as done."""
        for record in records:
            where = (record.topic, record.partition)
            if where in self._positions:
                committed = self._group.committed
                committed[where] = max(committed.get(where, 0), record.offset + 1)

    def lag(self) -> int:
        """Return how many records of the assigned partitions are not committed yet."""
        committed = self._group.committed
        return sum(len(self._bus.logs[where]) - committed.get(where, 0) for where in self._positions)

    def close(self) -> None:
        """Leave the group."""
        if self in self._group.members:
            self._group.members.remove(self)
            self._positions = {}
            self._group.rebalance(MemoryConsumer.wants)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        for where, position in self._positions.items():
            more = self._bus.logs[where][position : position + max_records - len(records)]
            self._positions[where] = position + len(more)
            records += more
        return records
