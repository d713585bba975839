"""The load of a drill: simulated events through the door, at a rate and of a kind that a fault may change."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec
import structlog

from ingest.door import Door
from ingest.errors import RetryLaterError
from ingest.offers import Offer
from models.events import Event, Label, Transaction

MOST_BEHIND_S: Final = 0.5
"""How much of a stall is made up for, in seconds."""

NAP_S: Final = 0.02

log = structlog.get_logger(__name__)


@dataclass
class Knobs:
    """What a fault may turn while events flow.

    Attributes
    ----------
    rate
        Events per second.
    hot
        Share of the events that one card has.
    again
        Share of the events that are sent a second time a little later.
    shift_ms
        How far the producer's clock is off, milliseconds.
    """

    rate: float
    hot: float = 0.0
    again: float = 0.0
    shift_ms: int = 0


@dataclass
class Load:
    """Sends events from a thread of its own, from `start` to `close`.

    Parameters
    ----------
    door
        Where events enter; used by this thread alone.
    hot_card
        The card of the hot events.

    Attributes
    ----------
    latest_ms
        The latest event time that was sent, milliseconds since the epoch.
    """

    events: Iterator[Event]
    door: Door
    knobs: Knobs
    hot_card: str
    rng: random.Random
    latest_ms: int = 0
    failure: Exception | None = None
    _running: threading.Event = field(default_factory=threading.Event)
    _idle: threading.Event = field(default_factory=threading.Event)
    _closed: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _late: list[Event] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        self._running.set()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Stop sending; returns when Kafka has acknowledged, or given up, everything sent."""
        self._idle.clear()
        self._running.clear()
        self._idle.wait()

    def resume(self) -> None:
        """Go on."""
        self._running.set()

    def close(self) -> None:
        """End."""
        self._closed.set()
        self._running.set()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def turned(self, **knobs: float) -> Iterator[None]:
        """Change knobs for as long as the block runs."""
        before = {name: getattr(self.knobs, name) for name in knobs}
        for name, value in knobs.items():
            setattr(self.knobs, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self.knobs, name, value)

    def _work(self) -> None:
        try:
            self._send_all()
        except Exception as error:  # noqa: BLE001 - the thread that runs the drill raises it
            self.failure = error
        finally:
            self._idle.set()

    def _send_all(self) -> None:
        due = time.monotonic()
        for number, event in enumerate(self.events):
            due = max(due, time.monotonic() - MOST_BEHIND_S) + 1 / self.knobs.rate
            while time.monotonic() < due and not self._closed.is_set():
                time.sleep(NAP_S)
            if not self._running.is_set():
                self._rest()
            if self._closed.is_set():
                return
            try:
                self._send(number, event)
            except RetryLaterError as error:
                _given_up(error)

    def _rest(self) -> None:
        try:
            self.door.flush()
        except RetryLaterError as error:
            _given_up(error)
        self._idle.set()
        self._running.wait()

    def _send(self, number: int, event: Event) -> None:
        self.latest_ms = max(self.latest_ms, event.event_time)
        event = heated(event, self.hot_card) if is_hot(event, self.knobs.hot) else event
        self.door.take(Offer(event, "drill", number))
        if self.rng.random() < self.knobs.again:
            self._late.append(event)
        if self._late and self.rng.random() < 0.5:  # noqa: PLR2004 - soon, and not at once
            self.door.take(Offer(self._late.pop(0), "drill", number))


def _given_up(error: RetryLaterError) -> None:
    """Tell of events that will never be acknowledged: the ledger has them as sent, which is all that is claimed of them."""
    log.warning("the load's producer gave events up", reason=str(error))


def is_hot(event: Event, share: float) -> bool:
    """Whether an event belongs to the hot card: the same for a transaction and its label."""
    name = event.transaction_id if isinstance(event, Label) else event.event_id
    return share > 0 and blake2b(name.encode(), digest_size=1).digest()[0] < share * 256


def heated(event: Event, card: str) -> Event:
    """Return the event as one of this card."""
    return msgspec.structs.replace(event, card=card) if isinstance(event, Transaction | Label) else event
