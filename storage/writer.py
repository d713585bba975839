"""The score writer: poll, decode, store, and only then commit; patient while Cassandra is away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Generic, Protocol, TypeVar

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_exponential,
)

from models.errors import RejectEventError
from models.rejections import EMPTY
from models.scores import decode
from storage.errors import RetryLaterError
from storage.score_rows import refuse_unstorable
from storage.scores import ScoreStore, StampedScore, stamp_of
from storage.settings import WriterSettings

_log = structlog.get_logger(__name__)


class Record(Protocol):
    """What the writer needs of a Kafka record."""

    @property
    def offset(self) -> int:
        """Position in its partition."""
        ...

    @property
    def value(self) -> bytes | None:
        """The encoded score."""
        ...

    @property
    def timestamp_ms(self) -> int:
        """When Kafka appended it, milliseconds since the epoch."""
        ...


R = TypeVar("R", bound=Record)


class RecordSource(Protocol[R]):
    """A member of a consumer group on the topic `scores`."""

    def poll(self, max_records: int, timeout_s: float) -> Sequence[R]:
        """Return the next records, none when none came in time."""
        ...

    def commit(self, records: Sequence[R]) -> None:
        """Mark everything up to these records as done."""
        ...


@dataclass(frozen=True, slots=True)
class WriterCounts:
    """What a writer has done since it was made."""

    stored: int = 0
    rejected: int = 0
    retries: int = 0


class Writer(Generic[R]):
    """Moves scores from a consumer group into the store, each at least once; several share the group.

    Parameters
    ----------
    reject
        Keeps a record that is no score, with the reason; it has kept it for good when it returns.
    """

    def __init__(
        self,
        consumer: RecordSource[R],
        store: ScoreStore,
        reject: Callable[[R, RejectEventError], None],
        settings: WriterSettings,
    ) -> None:
        self._consumer = consumer
        self._store = store
        self._reject = reject
        self._settings = settings
        self.counts = WriterCounts()

    def run(self, stop: Event) -> None:
        """Write until `stop` is set; what is in hand is finished first, or left uncommitted during an outage.

        Raises
        ------
        RetryLaterError
            Cassandra was away for `give_up_s`: start again later, nothing is lost.
        """
        while not stop.is_set():
            self.step(stop)
        _log.info("writer stopped", stored=self.counts.stored, rejected=self.counts.rejected)

    def step(self, stop: Event) -> int:
        """Take the next records through to their commit; return how many were committed."""
        records = self._consumer.poll(self._settings.batch, self._settings.poll_s)
        if not records:
            return 0
        rows = self._decoded(records)
        if not self._stored(rows, stop):
            return 0
        self._consumer.commit(records)
        self._count(stored=len(rows))
        return len(records)

    def _decoded(self, records: Sequence[R]) -> list[StampedScore]:
        rows = (self._row(record) for record in records)
        return [row for row in rows if row is not None]

    def _row(self, record: R) -> StampedScore | None:
        try:
            return _stamped(record)
        except RejectEventError as error:
            self._reject(record, error)
            self._count(rejected=1)
            return None

    def _stored(self, rows: list[StampedScore], stop: Event) -> bool:
        """Store the rows, however often it takes; False when the writer was stopped before it worked."""
        try:
            self._attempts(stop)(self._store.write, rows)
        except RetryLaterError:
            if stop.is_set():
                return False
            raise
        return True

    def _attempts(self, stop: Event) -> Retrying:
        settings = self._settings
        return Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            wait=wait_exponential(multiplier=settings.retry_first_s, max=settings.retry_most_s),
            stop=stop_any(stop_after_delay(settings.give_up_s), stop_when_event_set(stop)),
            sleep=sleep_using_event(stop),
            before_sleep=self._note,
            reraise=True,
        )

    def _note(self, attempt: RetryCallState) -> None:
        self._count(retries=1)
        reason = attempt.outcome.exception() if attempt.outcome else None
        _log.warning("scores wait for Cassandra", attempt=attempt.attempt_number, reason=str(reason))

    def _count(self, stored: int = 0, rejected: int = 0, retries: int = 0) -> None:
        known = self.counts
        self.counts = replace(
            known,
            stored=known.stored + stored,
            rejected=known.rejected + rejected,
            retries=known.retries + retries,
        )


def _stamped(record: Record) -> StampedScore:
    if not record.value:
        raise RejectEventError(EMPTY, "the value is empty")
    score = decode(record.value)
    refuse_unstorable(score)
    return StampedScore(score, stamp_of(record.timestamp_ms, record.offset))
