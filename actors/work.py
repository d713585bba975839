"""The work of a shard on one batch: decide, save, publish, list, audit; repeated until all of it is done.

Every step may be done again, so a batch that fails or is cut off anywhere is simply given once more. That a command was
sent is noted in memory and stored with the entity's next save: a process that does not know it publishes the command
once more, and devices drop what they know.
"""

import threading
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Final

import structlog
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, wait_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from actors.decisions import (
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
from actors.feed import everything
from actors.items import Change, Item, Refusal, Wake, by_entity, rounds
from actors.listed import Row
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
from storage import entities
from storage.entities import EntityStore, Snapshot
from storage.errors import RetryLaterError as StoreAwayError
from storage.listing import Listing

Reject = Callable[[Record, RejectEventError], None]
"""Writes one dead letter, and returns when Kafka has it."""

MOST_OF_ENTITY: Final = 64
"""Most messages of one entity in one conditional batch: Cassandra refuses a batch above 64 KiB."""

_log = structlog.get_logger(__name__)


class Work:
    """Does one batch at a time against the store and Kafka; one instance a shard.

    Parameters
    ----------
    stop
        When set, a batch that can't be done is left with `StoppingError`.
    fleet_of
        Knows the machine register.
    heard
        Says until when all answers of devices were taken, milliseconds since the epoch; None: until now.
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
        heard: Callable[[], int | None] = everything,
    ) -> None:
        self._heard = heard
        self._store = store
        self._producer = producer
        self._reject = reject
        self._clock = clock
        self._policies = policies
        self._snapshots = Snapshots(store, max(1, settings.entities // settings.shards), clock)
        self._stops = Stops(store, clock)
        self._permitting = Permitting(store, self._snapshots, policies, fleet_of, clock)
        self._retrying = _retrying(settings, stop)

    def __call__(self, items: Sequence[Item]) -> None:
        """Do everything that follows from these messages, again and again while Kafka or Cassandra is away."""
        try:
            for part in rounds(items, MOST_OF_ENTITY):
                self._retrying(self._once, part)
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
        saved = self._take(groups, publication)
        self._permitting(saved, groups, publication)
        publication.finish()
        sent = {entity: self._sent(entity, snapshot) for entity, snapshot in saved.items()}
        self._list(sent, groups)

    def _take(self, groups: Mapping[str, Sequence[Change]], publication: Publication) -> dict[str, Snapshot]:
        now, stopped, heard = self._clock(), self._stops(), self._heard()

        def decided(entity: str, current: Snapshot) -> entities.Change | None:
            told = self._snapshots.is_told(entity, current)
            return decide(
                entity,
                current,
                groups[entity],
                now,
                self._policies,
                told=told,
                stopped=stopped,
                heard=heard,
            )

        saved = self._snapshots.change_all(groups, decided)
        for entity, snapshot in saved.items():
            publication.send(queued(snapshot))
            if not self._snapshots.is_told(entity, snapshot):
                publication.tell(untold(snapshot))
            publication.label(unpublished(snapshot))
        return saved

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
        return snapshot if marked is None else self._snapshots.note(entity, snapshot, marked)

    def _published(
        self, entity: str, snapshot: Snapshot, commands: Sequence[str], rules: Rules, labels: Container[str]
    ) -> Snapshot:
        marked = self._snapshots.change(entity, lambda current: mark_sent(current, commands, rules, labels))
        if untold(marked) == untold(snapshot):
            self._snapshots.told(entity, marked)
        return marked

    def _list(self, snapshots: Mapping[str, Snapshot], groups: Mapping[str, Sequence[Change]]) -> None:
        now = self._clock()
        each = [(entity, snapshot, groups[entity]) for entity, snapshot in snapshots.items()]
        alarms = {e: alarm_rows(e, s, m, self._policies) for e, s, m in each}
        orders = {e: rows_of_orders(s, m, now) for e, s, m in each}
        listing = Listing(
            alarms=[row for e, rows in alarms.items() for row in self._news(e, rows, groups[e])],
            orders=[row for e, rows in orders.items() for row in self._news(e, rows, groups[e])],
            evidence={case: pieces for _, s, m in each for case, pieces in evidence(s, m).items()},
            cases=[row for e, s, m in each for row in rows_of_cases(e, s, m)],
            audit=[entry for _, s, m in each for entry in audit_entries(s, m)],
        )
        self._store.record(listing)
        for entity in snapshots:
            self._snapshots.listed(entity, [*alarms[entity], *orders[entity]])

    def _news(self, entity: str, rows: Sequence[Row], messages: Sequence[Change]) -> Sequence[Row]:
        """Return the rows to write; whoever wakes an entity may have seen rows that nobody else misses."""
        woken = any(isinstance(message, Wake) for message in messages)
        return rows if woken else self._snapshots.news(entity, rows)


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
