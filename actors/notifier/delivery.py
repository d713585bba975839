"""The way out: a thread for each channel takes its messages from the ledger, one after the other, and marks each.

A message is marked after its channel has taken it. A crash between the two sends it again: per channel one message at most,
the one under way. One that its channel does not take goes to the fallback in the same transaction that gives it up.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from msgspec.structs import replace
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from actors.notifier.channels import Send
from actors.notifier.errors import RetryChannelError
from actors.notifier.ledger import NotifierLedger
from actors.notifier.messages import Message
from actors.notifier.settings import NotifierSettings
from ingest.ports import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Way:
    """How one channel's messages leave.

    Attributes
    ----------
    fallback
        Who gets what the channel does not take; None for the last one.
    stop
        Ends retries and the wait for messages; what is not delivered stays in the ledger.
    """

    channel: str
    send: Send
    fallback: str | None
    ledger: NotifierLedger
    settings: NotifierSettings
    clock: Clock
    stop: threading.Event


@contextmanager
def delivering(ways: Sequence[Way], stop: threading.Event) -> Iterator[Callable[[], None]]:
    """Deliver in the background while the block runs; it gets a function that raises what ended a channel's thread."""
    with ThreadPoolExecutor(max_workers=len(ways), thread_name_prefix="channel") as pool:
        threads: list[Future[None]] = [pool.submit(serve, way) for way in ways]

        def check() -> None:
            for thread in threads:
                if thread.done():
                    thread.result()

        try:
            yield check
        finally:
            stop.set()


def serve(way: Way) -> None:
    """Deliver a channel's messages until stopped. After a failure each further message is tried once, until one is taken."""
    failing = False
    while not way.stop.is_set():
        message = way.ledger.next_message(way.channel)
        if message is None:
            way.stop.wait(way.settings.poll_s)
        else:
            failing = not deliver(message, way, attempts=1 if failing else way.settings.attempts)


def deliver(message: Message, way: Way, *, attempts: int) -> bool:
    """Try one message so many times, or as long as it takes where there is no fallback; return whether it was taken."""
    retrying = _retrying(way, attempts)
    try:
        retrying(way.send, message)
    except RetryError as error:
        tried = error.last_attempt.attempt_number
        if way.fallback is not None and tried >= attempts:
            _give_up(message, way, tried, str(error.last_attempt.exception()))
        return False
    with way.ledger.changing():
        tried = retrying.statistics["attempt_number"]
        way.ledger.finish(message, "sent", way.clock(), attempts=tried)
    return True


def _retrying(way: Way, attempts: int) -> Retrying:
    stopped = stop_when_event_set(way.stop)

    def tell(state: RetryCallState) -> None:
        reason = str(state.outcome.exception()) if state.outcome else ""
        _log.warning("channel_failed", channel=way.channel, attempt=state.attempt_number, reason=reason)

    return Retrying(
        retry=retry_if_exception_type(RetryChannelError),
        wait=wait_exponential(multiplier=way.settings.retry_first_s, max=way.settings.retry_most_s),
        sleep=sleep_using_event(way.stop),
        stop=stopped if way.fallback is None else stopped | stop_after_attempt(attempts),
        before_sleep=tell,
    )


def _give_up(message: Message, way: Way, tried: int, reason: str) -> None:
    _log.error(
        "notification_not_taken",
        channel=way.channel,
        number=message.number,
        title=message.title,
        attempts=tried,
        fallback=way.fallback,
        reason=reason,
    )
    with way.ledger.changing():
        way.ledger.finish(message, "failed", way.clock(), attempts=tried, reason=reason)
        if way.fallback is not None:
            way.ledger.post([replace(message, number=0, channel=way.fallback, instead_of=way.channel)])
