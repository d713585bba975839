"""A bus, a clock and notifiers on them, with channels that keep what they take."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from actors.notifier.channels import Send
from actors.notifier.ledger import NotifierLedger
from actors.notifier.ledger_file import open_ledger
from actors.notifier.messages import Message
from actors.notifier.notifier import Notifier, run_notifier
from actors.notifier.settings import NotifierSettings
from actors.notifier.sitting import Rules
from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models.alarms import AlarmChange, encode_change
from models.policies.notifications import NotificationPolicy

PATIENCE_S = 30


class CrashError(Exception):
    pass


class Inbox:
    """A channel that keeps what it takes; `failures` are raised first, one a try."""

    def __init__(self, *failures: Exception) -> None:
        self.taken: list[Message] = []
        self.failures = list(failures)
        self.tries = 0

    def __call__(self, message: Message) -> None:
        self.tries += 1
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, CrashError):
                self.taken.append(message)
            raise failure
        self.taken.append(message)


class World:
    """A bus, a clock that stands still, and notifiers on them."""

    def __init__(self, path: Path, rules: Callable[..., Rules]) -> None:
        self.now = 1_000_000
        self.bus = Bus(KafkaSettings(bootstrap_servers="nowhere:1"), lambda: self.now)
        self.path = path
        self.rules = rules
        self.rejected: list[str] = []
        self.settings = NotifierSettings(
            poll_s=0.005, retry_first_s=0.001, retry_most_s=0.002, attempts=3, drain_s=10_000
        )

    def send(self, *changes: AlarmChange) -> None:
        with self.bus.producer() as producer:
            for change in changes:
                producer.send("alarms", change.entity, encode_change(change))

    @contextmanager
    def running(
        self,
        channels: Mapping[str, Send],
        policy: NotificationPolicy | None = None,
        wrapped: Callable[[Any], Any] = lambda consumer: consumer,
    ) -> Iterator[NotifierLedger]:
        """Run a notifier beside the block; its failure is raised at the end."""
        stop = threading.Event()
        with open_ledger(self.path) as ledger, self.bus.consumer("notifier", ["alarms"]) as consumer:
            notifier = Notifier(
                consumer=wrapped(consumer),
                waiting=consumer.lag,
                reject=lambda record, error: self.rejected.append(error.reason),
                clock=lambda: self.now,
                ledger=ledger,
                channels=channels,
                rules=self.rules(policy or NotificationPolicy()),
                settings=self.settings,
            )
            failures: list[Exception] = []
            thread = threading.Thread(target=_into, args=(failures, partial(run_notifier, notifier, stop)))
            thread.start()
            try:
                yield ledger
            finally:
                stop.set()
                thread.join()
        if failures:
            raise failures[0]


def _into(failures: list[Exception], work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - it is raised again in the test's thread
        failures.append(error)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.002)
