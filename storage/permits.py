"""The port of permits: limits that hold over all entities, and whether all commands are stopped.

A permit is named by its command, so asking again, by whoever, takes nothing more.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol


class Claim(NamedTuple):
    """A command that wants a permit, and until when that would count (milliseconds since the epoch)."""

    command_id: str
    until: int


class Grant(NamedTuple):
    """Which of the claims hold a permit now, and when the next one lapses if no more are to be had."""

    granted: frozenset[str]
    free_at: int | None


class Stop(NamedTuple):
    """Whether all commands are stopped, since when (milliseconds since the epoch), by whom and why."""

    stopped: bool
    who: str
    why: str
    at: int


NEVER_STOPPED = Stop(stopped=False, who="", why="", at=0)
"""Nobody has ever stopped anything."""


class PermitStore(Protocol):
    """Permits by rule, and the stop of all commands."""

    def take_permits(self, rule: str, most: int, claims: Sequence[Claim], now: int) -> Grant:
        """Give permits to the first of these claims, as long as no more than `most` count at a time.

        Who holds one keeps it, and holds it until the later of both times.

        Raises
        ------
        RetryLaterError
            Nobody knows whether they were given: ask again.
        """
        ...

    def give_back_permits(self, rule: str, command_ids: Collection[str]) -> None:
        """End permits before their time; those of others and unknown ones are left alone."""
        ...

    def command_stop(self) -> Stop:
        """Return whether all commands are stopped."""
        ...

    def set_command_stop(self, stop: Stop) -> None:
        """Stop all commands, or let them go again."""
        ...


def grant(
    held: Mapping[str, int], most: int, claims: Sequence[Claim], now: int
) -> tuple[dict[str, int], Grant]:
    """Decide on claims, given until when each permit counts; return what is held afterwards, and the answer."""
    counting = {name: until for name, until in held.items() if until > now}
    granted = set()
    for claim in claims:
        if claim.command_id in counting or len(counting) < most:
            counting[claim.command_id] = max(claim.until, counting.get(claim.command_id, 0))
            granted.add(claim.command_id)
    lacking = len(granted) < len({claim.command_id for claim in claims})
    return counting, Grant(frozenset(granted), min(counting.values(), default=None) if lacking else None)
