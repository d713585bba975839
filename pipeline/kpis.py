"""How an alarm system does for the people who work it, in the measures of ISA-18.2 and EEMUA 191; pure.

Everything is counted from the list of alarms and the audit. Alarms that were only ever pending count nowhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from models.alarms import CLOSED
from models.floods import FloodRule, floods
from models.operations import AlarmOperation, AuditEntry
from pipeline.alarm_lines import RuleOf, floods_of, has_opened
from storage.alarms import AlarmRow

WINDOW_MS: Final = 600_000
"""The ten minutes of the measures, in milliseconds."""

HOUR_MS: Final = 3_600_000
TOP: Final = 10


class Span(NamedTuple):
    """A time that is looked at: from and until, milliseconds since the epoch."""

    since: int
    until: int

    def has(self, at: int) -> bool:
        """Whether a time lies within."""
        return self.since <= at < self.until


@dataclass(frozen=True)
class Share:
    """One of those with the most alarms; the share is of all."""

    name: str
    alarms: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the people of one span had to bear.

    Attributes
    ----------
    operators
        How many people worked the alarms, as given or else as the audit names them; at least one.
    per_operator_hour
        Alarms an operator and hour.
    peak, peak_at
        The most alarms within ten minutes, and when those ended (milliseconds since the epoch).
    mean_time_to_acknowledge_s
        Of the alarms that opened in the span and were acknowledged; None when none was.
    """

    since: int
    until: int
    alarms: int
    operators: int
    per_operator_hour: float
    peak: int
    peak_at: int | None
    acknowledged: int
    mean_time_to_acknowledge_s: float | None


@dataclass(frozen=True, kw_only=True)
class Person:
    """What one operator did in the span; the mean is of the alarms that they were the first to acknowledge."""

    name: str
    actions: int
    acknowledged: int
    mean_time_to_acknowledge_s: float | None


@dataclass(frozen=True, kw_only=True)
class Kpis:
    """All measures of a span.

    Attributes
    ----------
    flood_share, flood_time_share
        Share of the alarms that opened in a flood, and share of the time in which a condition was in flood.
    chattering
        Conditions of entities that came back too often.
    stale, standing
        Open alarms that have wanted an operator for too long, and all open ones, now.
    severities
        Alarms by severity; those from before severities are not among them.
    """

    load: Load
    shifts: tuple[Load, ...]
    people: tuple[Person, ...]
    flood_share: float
    flood_time_share: float
    chattering: int
    stale: int
    standing: int
    severities: dict[str, int]
    top_conditions: tuple[Share, ...]
    top_entities: tuple[Share, ...]


class Rules(NamedTuple):
    """What counts as a flood, and as chattering, of a condition."""

    flood: RuleOf
    chattering: RuleOf


def kpis(
    alarms: Iterable[AlarmRow],
    entries: Iterable[AuditEntry],
    span: Span,
    rules: Rules,
    *,
    shift_ms: int,
    operators: int | None = None,
) -> Kpis:
    """Return the measures of a span that ends now.

    Parameters
    ----------
    alarms
        Those opened in the span, and all that are open.
    entries
        What operators did in the span and, to them, since.
    shift_ms
        Length of a shift, in milliseconds; the first begins with the span.
    operators
        How many people work at a time; None counts those whom the audit names.
    """
    known = {row.alarm_id: row for row in alarms if has_opened(row)}
    opened = sorted((r for r in known.values() if span.has(r.opened_at)), key=lambda r: r.opened_at)
    applied = [e for e in entries if e.verdict == "applied" and isinstance(e.operation, AlarmOperation)]
    first = _first_acknowledgements(applied)
    flooded, flood_time = _floods(opened, span, rules.flood)
    standing = [row for row in known.values() if row.state != CLOSED]
    return Kpis(
        load=_load(opened, applied, first, span, operators),
        shifts=tuple(_load(opened, applied, first, shift, operators) for shift in _shifts(span, shift_ms)),
        people=tuple(_people(known, applied, first, span)),
        flood_share=_share(flooded, len(opened)),
        flood_time_share=_share(flood_time, span.until - span.since),
        chattering=len(_chattering(opened, standing, rules.chattering, span.until)),
        stale=sum(row.stale for row in standing),
        standing=len(standing),
        severities=dict(Counter(row.severity for row in opened if row.severity is not None)),
        top_conditions=_top(row.condition for row in opened),
        top_entities=_top(row.entity for row in opened),
    )


def peak(times: Sequence[int]) -> tuple[int, int | None]:
    """Return the most of these times, which are in order, within ten minutes, and the last of those."""
    most, at, first = 0, None, 0
    for last, time in enumerate(times):
        while times[first] <= time - WINDOW_MS:
            first += 1
        if last - first + 1 > most:
            most, at = last - first + 1, time
    return most, at


def _load(
    opened: Sequence[AlarmRow],
    applied: Iterable[AuditEntry],
    first: Mapping[str, AuditEntry],
    span: Span,
    operators: int | None,
) -> Load:
    own = [row for row in opened if span.has(row.opened_at)]
    people = operators or len({e.operation.who for e in applied if span.has(e.decided_at)}) or 1
    most, at = peak([row.opened_at for row in own])
    waits = [_wait(row, first[row.alarm_id]) for row in own if row.alarm_id in first]
    return Load(
        since=span.since,
        until=span.until,
        alarms=len(own),
        operators=people,
        per_operator_hour=len(own) / people / ((span.until - span.since) / HOUR_MS),
        peak=most,
        peak_at=at,
        acknowledged=len(waits),
        mean_time_to_acknowledge_s=_mean_s(waits),
    )


def _people(
    known: Mapping[str, AlarmRow], applied: Iterable[AuditEntry], first: Mapping[str, AuditEntry], span: Span
) -> Iterator[Person]:
    actions = Counter(entry.operation.who for entry in applied if span.has(entry.decided_at))
    waits: defaultdict[str, list[int]] = defaultdict(list)
    for name, entry in first.items():
        if span.has(entry.decided_at) and name in known:
            waits[entry.operation.who].append(_wait(known[name], entry))
    for who, count in actions.most_common():
        yield Person(
            name=who,
            actions=count,
            acknowledged=len(waits[who]),
            mean_time_to_acknowledge_s=_mean_s(waits[who]),
        )


def _first_acknowledgements(applied: Iterable[AuditEntry]) -> dict[str, AuditEntry]:
    acknowledged = (e for e in applied if e.operation.action == "acknowledge")
    latest_first = sorted(acknowledged, key=lambda e: e.decided_at, reverse=True)
    return {entry.operation.target: entry for entry in latest_first}


def _floods(opened: Iterable[AlarmRow], span: Span, rule_of: RuleOf) -> tuple[int, int]:
    """Return how many alarms opened in floods, and how long any lasted, in milliseconds."""
    rows = list(opened)
    found = floods_of(rows, rule_of, span.until)
    alarms = sum(any(f.covers(row.opened_at) for f in found[row.condition]) for row in rows)
    lasted, covered = 0, span.since
    times = ((f.entered_at, f.left_at or span.until) for each in found.values() for f in each)
    for begins, ends in sorted(times):
        lasted += max(0, min(ends, span.until) - max(begins, covered))
        covered = max(covered, ends)
    return alarms, lasted


def _chattering(
    opened: Iterable[AlarmRow], standing: Iterable[AlarmRow], rule_of: RuleOf, now: int
) -> set[tuple[str, str]]:
    times: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in opened:
        times[row.entity, row.condition].append(row.opened_at)
    by_opening = {of for of, at in times.items() if floods(at, _rule(rule_of, of), now)}
    return by_opening | {(row.entity, row.condition) for row in standing if row.chattering}


def _rule(rule_of: RuleOf, of: tuple[str, str]) -> FloodRule:
    return rule_of(of[1])


def _shifts(span: Span, shift_ms: int) -> Iterator[Span]:
    for since in range(span.since, span.until, shift_ms):
        yield Span(since, min(since + shift_ms, span.until))


def _top(names: Iterable[str]) -> tuple[Share, ...]:
    counts = Counter(names)
    return tuple(Share(name, n, _share(n, counts.total())) for name, n in counts.most_common(TOP))


def _wait(row: AlarmRow, entry: AuditEntry) -> int:
    return entry.decided_at - (row.active_at or row.opened_at)


def _mean_s(waits_ms: Sequence[int]) -> float | None:
    return sum(waits_ms) / len(waits_ms) / 1_000 if waits_ms else None


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
