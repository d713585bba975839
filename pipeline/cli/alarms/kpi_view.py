"""The texts of `alarms kpis`."""

from collections.abc import Iterator, Sequence

from models.alarms import SEVERITIES
from pipeline.cli.alarms.view import at
from pipeline.kpis import Kpis, Load, Person, Share


def report(found: Kpis) -> Iterator[str]:
    """Return all measures for people."""
    load = found.load
    yield f"{at(load.since)} to {at(load.until)}"
    yield f"  {load.alarms:,} alarms, {load.per_operator_hour:.1f} an hour and operator ({load.operators})"
    yield f"  peak {load.peak:,} in 10 minutes{'' if load.peak_at is None else f', until {at(load.peak_at)}'}"
    yield f"  floods {found.flood_share:.0%} of the alarms, {found.flood_time_share:.1%} of the time"
    yield f"  {found.chattering:,} chattering; {found.standing:,} standing now, {found.stale:,} of them stale"
    yield f"  {_acknowledged(load)}"
    counts = [f"{found.severities[s]:,} {s}" for s in reversed(SEVERITIES) if s in found.severities]
    yield f"  severities: {', '.join(counts) or 'none'}"
    yield from _top("conditions", found.top_conditions)
    yield from _top("entities", found.top_entities)
    yield from (_person(person) for person in found.people)
    if len(found.shifts) > 1:
        yield from (_shift(shift) for shift in found.shifts)


def _top(title: str, shares: Sequence[Share]) -> Iterator[str]:
    for share in shares:
        yield f"  top {title}: {share.name}  {share.alarms:,} alarms, {share.share:.0%}"


def _person(person: Person) -> str:
    mean = _mean(person.mean_time_to_acknowledge_s)
    return f"  {person.name}: {person.actions:,} actions, acknowledged {person.acknowledged:,}{mean}"


def _shift(load: Load) -> str:
    return (
        f"  shift from {at(load.since)}: {load.alarms:,} alarms, {load.per_operator_hour:.1f} an hour and operator "
        f"({load.operators}), peak {load.peak:,} in 10 minutes, {_acknowledged(load)}"
    )


def _acknowledged(load: Load) -> str:
    return f"acknowledged {load.acknowledged:,} of {load.alarms:,}{_mean(load.mean_time_to_acknowledge_s)}"


def _mean(seconds: float | None) -> str:
    return "" if seconds is None else f", after {seconds:,.1f} s on average"
