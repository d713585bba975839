"""The notifier's loop: changes into the ledger, then their offsets, then what falls due by time.

A redo finds the changes in the ledger. Timers are followed once what was in the topic at the start has been read, so that
an acknowledgement that waits there is heard before its alarm escalates.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from actors.notifier import taking, timers
from actors.notifier.channels import Send
from actors.notifier.delivery import Way, delivering
from actors.notifier.ledger import NotifierLedger
from actors.notifier.settings import NotifierSettings
from actors.notifier.sitting import Rules, Sitting
from ingest.errors import RetryLaterError
from ingest.ports import Clock, ConsumerPort, Record
from models.alarms import AlarmChange, decode_change
from models.errors import RejectEventError
from models.policies.notifications import LOCAL

_log = structlog.get_logger(__name__)
_DAY_MS = 86_400_000
_PRUNED_EVERY_MS = 60_000


@dataclass(frozen=True)
class Notifier:
    """Everything a notifier works with.

    Attributes
    ----------
    consumer
        Reads the topic `alarms`; closed by the caller.
    waiting
        Counts the records of the topic that the group has not committed.
    reject
        Writes one dead letter and returns when Kafka has it.
    channels
        The open channels, `local` among them.
    """

    consumer: ConsumerPort
    waiting: Callable[[], int]
    reject: Callable[[Record, RejectEventError], None]
    clock: Clock
    ledger: NotifierLedger
    channels: Mapping[str, Send]
    rules: Rules
    settings: NotifierSettings

    def sitting(self) -> Sitting:
        """Return what a transaction of now works with."""
        return Sitting(self.ledger, self.rules, self.clock())


def run_notifier(notifier: Notifier, stop: threading.Event) -> None:
    """Take changes and deliver messages until `stop` is set; then tell at once what was collected."""
    still = threading.Event()
    _adopt(notifier.ledger, set(notifier.channels))
    with delivering(_ways(notifier, still), still) as check:
        loop = _Loop(notifier, stop)
        while not stop.is_set():
            loop.step()
            check()
        timers.look(notifier.sitting(), at_once=True)
        _drain(notifier, still)


class _Loop:
    """One round after the other; a Kafka that is away does not stop the timers."""

    def __init__(self, notifier: Notifier, stop: threading.Event) -> None:
        self._of = notifier
        self._stop = stop
        self._untaken: list[Record] = []
        self._uncommitted: list[Record] = []
        self._wait_until: int | None = notifier.clock() + round(notifier.settings.catch_up_s * 1000)
        self._pruned_at = 0

    def step(self) -> None:
        """Do one round."""
        try:
            self._read_on()
        except RetryLaterError as error:
            _log.warning("notifier_waits_for_kafka", error=str(error))
            self._stop.wait(self._of.settings.retry_first_s)
        if self._has_caught_up():
            timers.look(self._of.sitting())
        self._prune()

    def _read_on(self) -> None:
        self._commit()
        if not self._untaken:
            self._untaken = self._of.consumer.poll(self._of.settings.batch, self._of.settings.poll_s)
        taking.take(_read(self._untaken, self._of.reject), self._of.sitting())
        self._untaken, self._uncommitted = [], self._untaken
        self._commit()

    def _commit(self) -> None:
        if self._uncommitted:
            self._of.consumer.commit(self._uncommitted)
            self._uncommitted = []

    def _has_caught_up(self) -> bool:
        if self._wait_until is not None and (self._nothing_waits() or self._of.clock() > self._wait_until):
            self._wait_until = None
        return self._wait_until is None

    def _nothing_waits(self) -> bool:
        try:
            return self._of.waiting() == 0
        except RetryLaterError as error:
            _log.warning("notifier_lag_unknown", error=str(error))
            return False

    def _prune(self) -> None:
        now = self._of.clock()
        if now - self._pruned_at >= _PRUNED_EVERY_MS:
            self._pruned_at = now
            with self._of.ledger.changing():
                self._of.ledger.prune(
                    now - 2 * self._of.rules.oldest_ms, now - self._of.settings.keep_days * _DAY_MS
                )


def _ways(notifier: Notifier, still: threading.Event) -> list[Way]:
    fallback, settings = notifier.rules.policy.fallback, notifier.settings
    return [
        Way(name, send, fallback(name), notifier.ledger, settings, notifier.clock, still)
        for name, send in notifier.channels.items()
    ]


def _adopt(ledger: NotifierLedger, channels: set[str]) -> None:
    """Give what waits for channels that are no longer in the policy to `local`."""
    with ledger.changing():
        for channel in set(ledger.queues()) - channels:
            ledger.move(channel, LOCAL)


def _drain(notifier: Notifier, still: threading.Event) -> None:
    until = notifier.clock() + round(notifier.settings.drain_s * 1000)
    while notifier.ledger.queues() and notifier.clock() < until:
        still.wait(notifier.settings.poll_s)


def _read(records: Sequence[Record], reject: Callable[[Record, RejectEventError], None]) -> list[AlarmChange]:
    changes = []
    for record in records:
        try:
            changes.append(decode_change(record.value))
        except RejectEventError as error:
            reject(record, error)
    return changes
