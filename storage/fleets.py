"""How many machines of a class are registered: the register in memory, read again now and then."""

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Final

from storage.machines import MachineStore

LASTS_MS: Final = 60_000
"""How long what was read is believed, in milliseconds."""


class Fleets:
    """The class of a machine, and how many there are of it; safe for threads.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, machines: MachineStore, clock: Callable[[], int]) -> None:
        self._machines = machines
        self._clock = clock
        self._lock = Lock()
        self._read_at: int | None = None
        self._classes: dict[str, str] = {}
        self._sizes: Counter[str] = Counter()

    def __call__(self, machine: str) -> tuple[str, int] | None:
        """Return a machine's class and the size of that; None when it is not registered."""
        with self._lock:
            now = self._clock()
            if self._read_at is None or now >= self._read_at + LASTS_MS:
                self._classes = {known.machine: known.machine_class for known in self._machines.all()}
                self._sizes = Counter(self._classes.values())
                self._read_at = now
            machine_class = self._classes.get(machine)
        return None if machine_class is None else (machine_class, self._sizes[machine_class])
