"""The consumer: a group member that commits only what it is told is done, and does not wait for ever."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self, TypeVar

import confluent_kafka
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from ingest.admin import members
from ingest.catalog import group_name, topic_name
from ingest.client import explain
from ingest.errors import IngestError, StopProcessError
from ingest.group_offsets import committed_of_all
from ingest.membership import client_id, leave_for_dead
from ingest.offsets import bounds_of, consumer_config, record_of, watermarks
from ingest.ports import Record
from ingest.reading import read_all
from ingest.settings import KafkaSettings, TopicName
from ingest.stall import Stall

__all__ = ["Consumer", "read_all"]

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_PASSES: Final = frozenset({
    "REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "_STATE",
    "_ASSIGNMENT_LOST", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "_WAIT_COORD",
})  # fmt: skip
"""Why a commit may fail that is to be tried again: partitions are moving, or the group's broker has just started."""


STALL_S: Final = 5.0
"""After so long without a record a consumer looks whether some are waiting, in seconds."""

LOOK_S: Final = 2.0
"""How long one question of a look may take, in seconds."""

CLOSE_S: Final = 10.0
"""How long leaving the group may take, in seconds; its session ends by itself then."""


class Consumer:
    """Reads topics as a member of a group; use it as a context manager, which leaves the group at the end.

    When partitions move to another member, what was not committed is delivered there again. Joining, it leaves the
    group for members whose process died on this machine.

    Parameters
    ----------
    settings
        Where Kafka is, and the timeouts.
    group
        The group's name without prefix.
    topics
        The topics' names without prefix.
    stall_s
        How often it looks, while nothing comes, whether records wait, in seconds.
    """

    def __init__(
        self, settings: KafkaSettings, group: str, topics: Sequence[TopicName], stall_s: float = STALL_S
    ) -> None:
        self._settings, self._group, self._topics = settings, group, topics
        self._timeout_s = settings.request_timeout_ms / 1000
        self._owed: dict[tuple[str, int], int] = {}
        self._error: KafkaError | None = None
        self._stall = Stall(stall_s)
        leave_for_dead(settings, group)
        config = consumer_config(settings, group_name(settings, group)) | {"client.id": client_id()}
        self._client = confluent_kafka.Consumer(config)
        self._client.subscribe([topic_name(settings, topic) for topic in topics], on_revoke=self._revoked)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return records as soon as there is one.

        Parameters
        ----------
        max_records
            At most so many.
        timeout_s
            How long to wait for the first, in seconds.

        Returns
        -------
        list of Record
            In order of offset within each partition; empty when none came in time.

        Raises
        ------
        RetryLaterError
            When a topic is missing or Kafka refuses; records that came before the error were returned.
        StopProcessError
            When records wait and the client has stopped reading: only a new consumer helps.
        """
        self._raise_pending()
        messages = self._client.consume(1, timeout_s)
        if messages and max_records > 1:
            messages += self._client.consume(max_records - 1, 0)
        self._pay()
        records = [record_of(message) for message in messages if self._is_record(message)]
        if records:
            self._stall.heard(time.monotonic())
        else:
            self._raise_pending()
            self._raise_stalled()
        return records

    def commit(self, records: Sequence[Record]) -> None:
        """Mark everything up to these records, per partition, as done.

        Returns when Kafka has it. If the partitions are just moving, or the group's broker has just started, the
        commit is repeated by the next `poll` for those that stay, and dropped for the others, whose records are
        delivered again elsewhere.

        Raises
        ------
        RetryLaterError
            When Kafka did not take it.
        StopProcessError
            When the client has not answered within the request timeout, and may never do.
        """
        ours = {(where.topic, where.partition) for where in self._client.assignment()}
        for record in records:
            where = (record.topic, record.partition)
            if where in ours:
                self._owed[where] = max(self._owed.get(where, 0), record.offset + 1)
        self._pay()

    def lag(self) -> int:
        """Return how many records of the assigned partitions are not committed yet."""
        try:
            done = self._client.committed(self._client.assignment(), timeout=self._timeout_s)
        except KafkaException as error:
            raise explain(error, "ask for the lag") from error
        bounds = bounds_of(self._settings, [(where.topic, where.partition) for where in done])
        ends = [(*bounds[where.topic, where.partition], where.offset) for where in done]
        return sum(end - max(offset, first) for first, end, offset in ends)

    def close(self) -> None:
        """Leave the group, so that others take over at once; a client that can't is left behind."""
        try:
            _within(CLOSE_S, self._client.close)
        except TimeoutError:
            log.warning("a consumer did not close", waited_s=CLOSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pay(self) -> None:
        if not self._owed:
            return
        offsets = [
            TopicPartition(topic, partition, offset) for (topic, partition), offset in self._owed.items()
        ]
        try:
            answers = _within(
                self._timeout_s, lambda: self._client.commit(offsets=offsets, asynchronous=False)
            )
        except TimeoutError:
            raise StopProcessError(
                f"commit offsets: no answer within {self._timeout_s:g} s; start a new consumer"
            ) from None
        except KafkaException as error:
            self._not_committed(error.args[0])
            return
        for answer in answers:
            if answer.error is not None:
                self._not_committed(answer.error)
                return
        self._owed = {}

    def _not_committed(self, error: KafkaError) -> None:
        if error.name() not in _PASSES:
            raise explain(error, "commit offsets")
        log.info("commit waits", code=error.name(), partitions=len(self._owed))

    def _revoked(self, _client: confluent_kafka.Consumer, partitions: list[TopicPartition]) -> None:
        for gone in partitions:
            self._owed.pop((gone.topic, gone.partition), None)

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is not None:
            self._error = error
        return error is None

    def _raise_pending(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise explain(error, "read")

    def _raise_stalled(self) -> None:
        if not self._stall.is_due(time.monotonic()):
            return
        waiting = self._records_wait()
        if self._stall.looked(time.monotonic(), waiting=waiting):
            raise StopProcessError(
                f"read: records wait and none came for {2 * self._stall.patience_s:g} s; start a new consumer"
            )

    def _records_wait(self) -> bool:
        """Whether records wait for this member; False where Kafka does not say so at once.

        Other clients ask, since this one may have stopped asking. For a member without partitions all of them wait if
        its group does not know it.
        """
        asked = self._settings.model_copy(update={"request_timeout_ms": round(LOOK_S * 1_000)})
        try:
            at = self._client.position(self._client.assignment())
            own = {(where.topic, where.partition): where.offset for where in at}
            ends = {
                (topic_name(asked, topic), partition): bounds
                for topic in self._topics
                for partition, bounds in watermarks(asked, topic).items()
            }
            reached = committed_of_all(asked, self._group)
            reached |= {where: offset for where, offset in own.items() if offset >= 0}
            wait = {where for where, (first, end) in ends.items() if max(first, reached.get(where, 0)) < end}
            if own:
                return not wait.isdisjoint(own)
            known = {member.member_id for member in members(asked, self._group)}
            return bool(wait) and self._client.memberid() not in known
        except (IngestError, KafkaException):
            return False


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what a call returns; for calls of librdkafka that know no timeout, and may never return.

    Raises
    ------
    TimeoutError
        When it takes longer; it goes on by itself, and does not keep the process from ending.
    """
    answer: Future[_T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            answer.set_exception(error)

    threading.Thread(target=work, name="bounded", daemon=True).start()
    return answer.result(seconds)
