"""The pipeline under drill: `fastdata run` in a thread, its parts and servers as processes that a fault may touch."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from pipeline.part import NAMES
from pipeline.supervision import Phase

EachStep = Callable[[Mapping[str, Phase]], None]

STOP_S: Final = 120.0

log = structlog.get_logger(__name__)


@dataclass
class Pipeline:
    """Runs the parts until stopped; may be started again.

    Parameters
    ----------
    run
        Looks after the parts until the event is set, and tells their phases.
    """

    run: Callable[[threading.Event, EachStep], None]
    phases: Mapping[str, Phase] = field(default_factory=dict)
    failure: Exception | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start all parts."""
        self._stop, self.phases, self.failure = threading.Event(), {}, None
        self._thread = threading.Thread(target=self._work, args=(self._stop,), name="run", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop all parts, and wait for that."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_S)

    @property
    def ready(self) -> bool:
        """Whether every part says that it works."""
        return all(self.phases.get(name) is Phase.READY for name in NAMES)

    @property
    def stands_by(self) -> bool:
        """Whether every part works, and a standby is prepared for each that may have one."""
        return bool(self.phases) and all(phase is Phase.READY for phase in self.phases.values())

    def _work(self, stop: threading.Event) -> None:
        try:
            self.run(stop, self._note)
        except Exception as error:  # noqa: BLE001 - a pipeline that ends is a finding, not the end of the drill
            self.failure, self.phases = error, {}
            log.warning("the run ended", reason=str(error))

    def _note(self, phases: Mapping[str, Phase]) -> None:
        self.phases = dict(phases)
