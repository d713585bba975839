"""The in-memory twin of the permits."""

from collections.abc import Collection, Sequence
from threading import Lock

from storage.permits import NEVER_STOPPED, Claim, Grant, Stop, grant


class MemoryPermits:
    """Permits in a dictionary; safe for threads."""

    def __init__(self) -> None:
        self._permits_lock = Lock()
        self._permits: dict[str, dict[str, int]] = {}
        self._command_stop = NEVER_STOPPED

    def take_permits(self, rule: str, most: int, claims: Sequence[Claim], now: int) -> Grant:
        """Give permits to the first of these claims, as long as no more than `most` count at a time."""
        with self._permits_lock:
            self._permits[rule], answer = grant(self._permits.get(rule, {}), most, claims, now)
            return answer

    def give_back_permits(self, rule: str, command_ids: Collection[str]) -> None:
        """End permits before their time."""
        with self._permits_lock:
            for name in command_ids:
                self._permits.get(rule, {}).pop(name, None)

    def command_stop(self) -> Stop:
        """Return whether all commands are stopped."""
        with self._permits_lock:
            return self._command_stop

    def set_command_stop(self, stop: Stop) -> None:
        """Stop all commands, or let them go again; the latest wins."""
        with self._permits_lock:
            if stop.at >= self._command_stop.at:
                self._command_stop = stop
