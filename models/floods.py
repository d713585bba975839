"""Alarm floods, pure: when so many alarms of one condition open that operators see one line instead of each.

A flood is entered when more than so many alarms have opened within a time, and left when fewer than a lower number
have: ISA-18.2 takes more than 10, and then fewer than 5, in 10 minutes. All follows from the times of opening, so it is
the same for whoever looks at them: the list of alarms, and the notifier that meets them one by one. What has to be
remembered is bounded by the rule, however many alarms open. Times are milliseconds since the epoch.
"""

from bisect import insort
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace


class FloodRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as a flood of one condition.

    Attributes
    ----------
    more_than
        A flood is entered when more alarms than this have opened within the time.
    calm_below
        It is left when fewer than this have; from 1 to `more_than`.
    within_ms
        The time, in milliseconds.
    """

    more_than: int = 10
    calm_below: int = 5
    within_ms: int = 600_000


class Flood(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flood of one condition.

    Attributes
    ----------
    first_at, last_at
        When the first and the latest of its alarms opened.
    entered_at
        When the alarm opened that was one too many; those before it had been shown one by one.
    alarms
        How many alarms it is made of, those from before it was entered included.
    left_at
        When it was over; None while it lasts.
    """

    first_at: int
    entered_at: int
    last_at: int
    alarms: int
    left_at: int | None = None

    def covers(self, opened_at: int) -> bool:
        """Whether an alarm that opened then is one of it."""
        return self.first_at <= opened_at <= self.last_at


class Watch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered of one condition: its latest openings, at most one more than the rule's number, and its flood."""

    recent: tuple[int, ...] = ()
    flood: Flood | None = None


def observed(watch: Watch, opened_at: int, rule: FloodRule) -> Watch:
    """Return the watch after one more alarm has opened; a flood that was over by then is gone.

    Alarms may come out of order, as several workers open them.
    """
    watch = settled(watch, opened_at, rule)
    recent = [*watch.recent]
    insort(recent, opened_at)
    recent = recent[-(rule.more_than + 1) :]
    return Watch(recent=tuple(recent), flood=_flood(watch.flood, recent, opened_at, rule))


def ended(watch: Watch, now: int, rule: FloodRule) -> Flood | None:
    """Return the watch's flood with the time of its end, if it is over by now; else None."""
    left_at = ends_at(watch, rule)
    if watch.flood is None or left_at is None or left_at > now:
        return None
    return replace(watch.flood, left_at=left_at)


def ends_at(watch: Watch, rule: FloodRule) -> int | None:
    """Return when the watch's flood is over if nothing more opens; None without one."""
    if watch.flood is None:
        return None
    decides = min(rule.calm_below, len(watch.recent))  # fewer are remembered when the rule was another
    return watch.recent[-decides] + rule.within_ms


def settled(watch: Watch, now: int, rule: FloodRule) -> Watch:
    """Return the watch without a flood that is over by now."""
    return watch if ended(watch, now, rule) is None else replace(watch, flood=None)


def floods(openings: Iterable[int], rule: FloodRule, now: int) -> list[Flood]:
    """Return all floods of one condition, the first first, told from when its alarms opened, in any order."""
    watch, found = Watch(), []
    for opened_at in sorted(openings):
        if (over := ended(watch, opened_at, rule)) is not None:
            found.append(over)
        watch = observed(watch, opened_at, rule)
    last = ended(watch, now, rule) or watch.flood
    return found if last is None else [*found, last]


def _flood(flood: Flood | None, recent: list[int], opened_at: int, rule: FloodRule) -> Flood | None:
    if flood is not None:
        return replace(flood, alarms=flood.alarms + 1, last_at=max(flood.last_at, opened_at))
    if len(recent) <= rule.more_than or recent[-1] - recent[0] >= rule.within_ms:
        return None
    return Flood(first_at=recent[0], entered_at=recent[-1], last_at=recent[-1], alarms=len(recent))
