"""The texts of `rehearse`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pipeline.rehearsal.difference import QUANTILES, Scores, Sets
from pipeline.rehearsal.rehearsal import Effects, Rehearsal

SHOWN = 5
"""How many ids are named of each kind."""


def told(found: Rehearsal) -> Iterator[str]:
    """Return a rehearsal as lines."""
    yield f"{found.model} {found.version}, threshold {found.threshold:.6g}"
    if found.seen.first > found.seen.wanted_from:
        yield (
            f"  features look back to {_at(found.seen.wanted_from)}, the events begin at {_at(found.seen.first)}: "
            "the first ones know less than they would have"
        )
    yield from _scores(found.scores)
    yield _sets("alerts", found.alerts)
    yield from _effects("alarms", found.alarms)
    yield from _effects("commands", found.commands)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.commands_by_kind.items())
    waiting = f"; {found.held:,} would wait for people, limits or hours" if found.held else ""
    yield f"  now: {kinds or 'none'}{waiting}"


def _scores(scores: Scores) -> Iterator[str]:
    versions = ", ".join(f"{count:,} by {version}" for version, count in scores.versions.items())
    yield f"scores  {scores.events:,} events, {scores.compared:,} of them had one then ({versions or 'none'})"
    if not scores.compared:
        return
    yield f"  {'':<5}{''.join(f'{name:>11}' for name in QUANTILES)}"
    for name, values in (("then", scores.then), ("now", scores.now)):
        yield f"  {name:<5}{''.join(f'{values[quantile]:>11.4g}' for quantile in QUANTILES)}"
    yield f"  differ by {scores.mean_difference:.4g} on average"
    for moved in scores.largest:
        yield f"  {moved.event_id}  {moved.entity}  {moved.then:.4g} -> {moved.now:.4g}"


def _effects(name: str, effects: Effects) -> Iterator[str]:
    yield (
        f"{name}  {effects.happened:,} happened; by today's policies {effects.again:,} of the alerts of then, "
        f"{effects.now:,} of those of now"
    )
    yield f"  {_sets('against what happened', effects.against_happened)}"
    yield f"  {_sets('against the alerts of then', effects.against_again)}"


def _sets(name: str, sets: Sets) -> str:
    return (
        f"{name}  {len(sets.both):,} both, {len(sets.only_then):,} only then{_some(sets.only_then)}, "
        f"{len(sets.only_now):,} only now{_some(sets.only_now)}"
    )


def _some(ids: tuple[str, ...]) -> str:
    more = ", ..." if len(ids) > SHOWN else ""
    return f" ({', '.join(ids[:SHOWN])}{more})" if ids else ""


def _at(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}Z"
