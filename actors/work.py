"""The work of a shard on one batch: decide, save, publish, list, audit; repeated until all of it is done.

Every step may be done again, so a batch that fails or is cut off anywhere is simply given once more. That a command was
sent is noted in memory and stored with the entity's next save: a process that does not know it publishes the command
once more, and devices drop what they know.
"""

import threading
from collections.abc import Callable, Container, Sequence

import structlog
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, wait_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from actors.decisions import (
    advance,
    alarm_rows,
    audit_entries,
    decide,
    evidence,
    mark_sent,
    queued,
    rows_of_cases,
    rows_of_orders,
    unpublished,
    untold,
)
from actors.errors import RetryLaterError, StoppingError
from actors.items import Change, Item, Refusal, by_entity
from actors.order_permits import FleetOf, unregistered
from actors.order_release import Rules
from actors.outbox import Publication
from actors.permitting import Permitting, Stops
from actors.settings import ActorSettings
from actors.snapshots import Snapshots
from ingest.errors import RetryLaterError as KafkaAwayError
from ingest.ports import Clock, ProducerPort, Record
from models.errors import RejectEventError
from models.policies.policies import Policies
from storage.entities import EntityStore, Snapshot
from storage.errors import RetryLaterError as StoreAwayError

Reject = Callable[[Record, RejectEventError], None]
"""Writes one dead letter, and returns when Kafka has it."""

_log = structlog.get_logger(__name__)


class Work:
    """Does one batch at a time against the store and Kafka; one instance a shard.

    Parameters
    ----------
    stop
        When set, a batch that can't be done is left with `StoppingError`.
    fleet_of
        Knows the machine register.
    """

    def __init__(
        self,
        store: EntityStore,
        producer: ProducerPort,
        settings: ActorSettings,
        policies: Policies,
        *,
        reject: Reject,
        clock: Clock,
        stop: threading.Event,
        fleet_of: FleetOf = unregistered,
    ) -> None:
        self._store = store
        self._producer = producer
        self._reject = reject
        self._clock = clock
        self._policies = policies
        self._snapshots = Snapshots(store, max(1, settings.entities // settings.shards))
        self._stops = Stops(store, clock)
        self._permitting = Permitting(store, self._snapshots, policies, fleet_of, clock)
        self._retrying = _retrying(settings, stop)

    def __call__(self, items: Sequence[Item]) -> None:
        """Do everything that follows from these messages, again and again while Kafka or Cassandra is away."""
        try:
            self._retrying(self._once, items)
        except RetryError as error:
            raise StoppingError(
                f"{len(items)} messages left undone: {error.last_attempt.exception()}"
            ) from error

    def _once(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Refusal):
                self._reject(item.record, item.error)
        groups = by_entity(items)
        publication = Publication(self._producer)
        saved = {entity: self._take(entity, messages, publication) for entity, messages in groups.items()}
        self._permitting(saved, groups, publication)
        publication.finish()
        for entity, snapshot in saved.items():
            self._list(entity, self._sent(entity, snapshot), groups[entity])

    def _take(self, entity: str, messages: Sequence[Change], publication: Publication) -> Snapshot:
        now, stopped = self._clock(), self._stops()
        snapshot = self._snapshots.change(
            entity,
            lambda current: decide(
                entity,
                current,
                messages,
                now,
                self._policies,
                told=self._snapshots.is_told(entity, current),
                stopped=stopped,
            ),
        )
        publication.send(queued(snapshot))
        if not self._snapshots.is_told(entity, snapshot):
            publication.tell(untold(snapshot))
        publication.label(unpublished(snapshot))
        return snapshot

    def _sent(self, entity: str, snapshot: Snapshot) -> Snapshot:
        self._snapshots.told(entity, snapshot)
        commands = [order.command.command_id for order in queued(snapshot)]
        labels = {label.event_id for label in unpublished(snapshot)}
        if not (commands or labels):
            return snapshot
        rules = Rules(self._policies, self._clock())
        if labels:
            return self._published(entity, snapshot, commands, rules, labels)
        marked = mark_sent(snapshot, commands, rules)
        return (
            snapshot
            if marked is None
            else self._snapshots.note(entity, advance(snapshot, marked, snapshot.version))
        )

    def _published(
        self, entity: str, snapshot: Snapshot, commands: Sequence[str], rules: Rules, labels: Container[str]
    ) -> Snapshot:
        marked = self._snapshots.change(entity, lambda current: mark_sent(current, commands, rules, labels))
        if untold(marked) == untold(snapshot):
            self._snapshots.told(entity, marked)
        return marked

    def _list(self, entity: str, snapshot: Snapshot, messages: Sequence[Change]) -> None:
        for row in alarm_rows(entity, snapshot, messages, self._policies):
            self._store.record_alarm(row)
        for order in rows_of_orders(snapshot, messages, self._clock()):
            self._store.record_order(order)
        for case_id, pieces in evidence(snapshot, messages).items():
            self._store.record_evidence(case_id, pieces)
        for case in rows_of_cases(entity, snapshot, messages):
            self._store.record_case(case)
        for entry in audit_entries(snapshot, messages):
            self._store.record_audit(entry)


def _retrying(settings: ActorSettings, stop: threading.Event) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type((StoreAwayError, KafkaAwayError, RetryLaterError)),
        wait=wait_exponential(multiplier=settings.retry_first_s, max=settings.retry_most_s),
        sleep=sleep_using_event(stop),
        stop=stop_when_event_set(stop),
        before_sleep=_log_retry,
    )


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning(
        "batch_delayed", attempt=state.attempt_number, pause_s=state.upcoming_sleep, error=str(error)
    )
