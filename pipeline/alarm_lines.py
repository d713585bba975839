"""What a list of alarms shows: a line an alarm, but one line for all alarms of a flood."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from models.alarms import CLOSED, PENDING
from models.floods import Flood, FloodRule, floods
from storage.alarms import AlarmRow

RuleOf: TypeAlias = Callable[[str], FloodRule]
"""Names the rule of a condition."""


class Flooded(NamedTuple):
    """A flood, and those of its alarms that are listed, the latest first."""

    condition: str
    flood: Flood
    alarms: tuple[AlarmRow, ...]


Line: TypeAlias = AlarmRow | Flooded


def collapsed(
    listed: Sequence[AlarmRow], opened: Iterable[AlarmRow], rule_of: RuleOf, now: int
) -> list[Line]:
    """Return what to show of the listed alarms, in their order; a flood stands where its latest alarm does.

    Parameters
    ----------
    opened
        The alarms opened last, in whatever state, which tell of floods together with those that are listed.
    now
        Milliseconds since the epoch.
    """
    found = floods_of((*opened, *listed), rule_of, now)
    of_alarm = {row.alarm_id: flood for row in listed if (flood := _flood(row, found)) is not None}
    by_flood: defaultdict[tuple[str, int], list[AlarmRow]] = defaultdict(list)
    for row in listed:
        if (flood := of_alarm.get(row.alarm_id)) is not None:
            by_flood[row.condition, flood.first_at].append(row)
    return list(_lines(listed, of_alarm, by_flood))


def floods_of(alarms: Iterable[AlarmRow], rule_of: RuleOf, now: int) -> dict[str, list[Flood]]:
    """Return the floods by condition, the first first; alarms may be given more than once."""
    opened: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in alarms:
        if has_opened(row):
            opened[row.condition][row.alarm_id] = row.opened_at
    return {name: floods(at.values(), rule_of(name), now) for name, at in opened.items()}


def has_opened(row: AlarmRow) -> bool:
    """Whether an alarm was active ever, and not only pending."""
    return row.active_at is not None or (
        row.state != PENDING and (row.state != CLOSED or row.severity is None)
    )


def _flood(row: AlarmRow, found: dict[str, list[Flood]]) -> Flood | None:
    candidates = reversed(found.get(row.condition, []) if has_opened(row) else [])
    return next((flood for flood in candidates if flood.covers(row.opened_at)), None)


def _lines(
    listed: Sequence[AlarmRow],
    of_alarm: dict[str, Flood],
    by_flood: dict[tuple[str, int], list[AlarmRow]],
) -> Iterator[Line]:
    for row in listed:
        flood = of_alarm.get(row.alarm_id)
        if flood is None:
            yield row
        elif by_flood[row.condition, flood.first_at][0] is row:
            yield Flooded(row.condition, flood, tuple(by_flood[row.condition, flood.first_at]))
