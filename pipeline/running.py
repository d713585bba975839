"""A run: children under supervision beside a watcher that keeps the servers up and sees when all is drained."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import structlog

from pipeline import drain, failures
from pipeline.children import Supervisor
from pipeline.drain import Look
from pipeline.errors import StopProcessError
from pipeline.supervision import Phase

STEP_S: Final = 0.1
"""How often children are looked after, in seconds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Watched:
    """What the watcher does every `every_s` seconds, in a thread of its own because servers may be slow.

    Attributes
    ----------
    keep_servers
        Starts dead servers again.
    look
        Looks at the pipeline; None when nobody waits for its end.
    """

    every_s: float
    keep_servers: Callable[[], None]
    look: Callable[[], Look] | None


class Watcher:
    """Runs `Watched` until closed; use it as a context manager.

    Attributes
    ----------
    drained
        Set once two looks in a row have shown that all work is done.
    failure
        What ended the watching, where it was not a server being away.
    waiting
        Who still has work, for a person.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._earlier: Look | None = None
        self.drained = threading.Event()
        self.failure: Exception | None = None
        self.waiting = "everything"

    def __enter__(self) -> Self:
        """Start watching."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching; a start of servers that is under way is waited for."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(self._watched.every_s):
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - it is passed on to the thread that runs the children
                if not failures.is_expected(error):
                    self.failure = error
                    return
                self._earlier = None
                log.warning("waiting for a server", reason=str(error))

    def _round(self) -> None:
        self._watched.keep_servers()
        if self._watched.look is None:
            return
        now = self._watched.look()
        self.waiting = drain.waiting(now)
        if drain.drained(self._earlier, now):
            self.drained.set()
        self._earlier = now


def run(
    supervisor: Supervisor,
    watcher: Watcher,
    stop: threading.Event,
    each_step: Callable[[Mapping[str, Phase]], None] = lambda _: None,
) -> None:
    """Look after children until `stop`, until all is drained, or until one has failed for good.

    Parameters
    ----------
    each_step
        Called a few times a second with the phase of every child and standby.

    Raises
    ------
    StopProcessError
        When a child has spent its restart budget; the others were stopped.
    """
    try:
        while not (stop.is_set() or watcher.drained.is_set() or watcher.failure or _failed(supervisor)):
            supervisor.step()
            each_step({**supervisor.phases, **supervisor.standbys})
            stop.wait(STEP_S)
        failed = _failed(supervisor)
        supervisor.stop()
        while not supervisor.over:
            supervisor.step()
            time.sleep(STEP_S)
    finally:
        supervisor.kill()
    if watcher.failure:
        raise watcher.failure
    if failed:
        raise StopProcessError(f"{', '.join(failed)} can't go on: see the log named above")


def _failed(supervisor: Supervisor) -> list[str]:
    return [name for name, phase in supervisor.phases.items() if phase is Phase.FAILED]
