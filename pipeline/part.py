"""What a part of the pipeline is given when it runs as a child process."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipeline.settings import Settings

NAMES: Final = ("query", "writer", "actors", "gateway", "notifier", "reconciler")
"""The parts, in the order of an event's way; `pipeline.bootstrap` has a module for each."""

WITH_STANDBY: Final = frozenset({"query"})
"""The parts that can stand by: those whose start takes long."""


@dataclass(frozen=True)
class Part:
    """One part at work.

    Attributes
    ----------
    stop
        Ends it when set.
    report
        Takes a status for the parent; `{"ready": True}` once it works, `{"standing_by": True}` once a standby is prepared.
    until_idle
        End by itself when nothing is left to read (the query only; the others are stopped).
    called
        Set when it is to work; None for a part that works from its start.
    """

    settings: Settings
    stop: threading.Event
    report: Callable[[dict[str, Any]], None]
    until_idle: bool
    called: threading.Event | None = None
