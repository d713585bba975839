"""What the queries of a session are told while they run: what to serve, and what to serve instead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.service import Service
from processing.progress import Interval

TakeOver = Callable[[], Service]
"""Called when the query has stopped and nothing processes its events any more; gives what takes its place."""


@dataclass(frozen=True)
class Steering:
    """Who decides what is served.

    Attributes
    ----------
    services
        What to start with.
    change
        Asked at each interval's end: None to go on, else the query is stopped for a take-over.
    added
        Asked a few times a second: services to start beside the others.
    """

    services: Sequence[Service]
    change: Callable[[Interval], TakeOver | None]
    added: Callable[[], Sequence[Service]]


def fixed(services: Sequence[Service]) -> Steering:
    """Return a steering that never changes anything."""
    return Steering(services, lambda _: None, lambda: ())
