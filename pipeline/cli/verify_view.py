"""The text of `verify`."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pipeline.reconcile import SHOWN, Reconciliation, Stage
from storage.counts import MinuteCount


def lines(found: Reconciliation) -> Iterator[str]:
    """Return one line per stage, and the names behind what is wrong."""
    for stage in found.stages:
        yield from _stage(stage)
    for name, count in found.information.items():
        if count:
            yield f"        {name}: {count:,}"
    yield "clean: nothing lost, nothing invented, nothing done twice" if found.clean else "NOT CLEAN"


def gap_lines(gaps: Iterable[MinuteCount]) -> Iterator[str]:
    """Return a line for each minute and part of which something is missing."""
    for gap in gaps:
        yield f"GAP     {_minute(gap)}  {_counts(gap)}"
        yield from _names("missing", gap.ids)


def minute_lines(counts: Iterable[MinuteCount]) -> Iterator[str]:
    """Return what was counted, minute by minute."""
    for minute, rows in groupby(counts, key=_minute):
        yield minute
        for row in rows:
            yield f"  {'GAP' if row.missing else 'ok':4}{_counts(row)}"
            yield from _names("missing", row.ids)


def plain(counts: Iterable[MinuteCount]) -> list[dict[str, Any]]:
    """Return counts as plain values for `--json`."""
    return [{n: v for n, v in asdict(count).items() if n != "lost"} for count in counts]


def _counts(count: MinuteCount) -> str:
    parts = {name: n for name, n in count.counts.items() if n and name != "dropped"}
    if 0 < count.checked < count.given:
        parts["checked"] = count.checked
    if count.missing:
        parts["missing"] = count.missing
    more = f" ({', '.join(f'{name} {n:,}' for name, n in parts.items())})" if parts else ""
    return f"{count.stage} {count.part}: {count.given:,} given, {count.found:,} found{more}"


def _minute(count: MinuteCount) -> str:
    return f"{datetime.fromtimestamp(count.minute / 1000, UTC):%Y-%m-%d %H:%MZ}"


def _stage(stage: Stage) -> Iterator[str]:
    counts = ", ".join(f"{name} {count:,}" for name, count in stage.counts.items())
    equation = f"{stage.given:,} given, {stage.found:,} found" + (f" ({counts})" if counts else "")
    yield f"{'ok' if stage.clean else 'FAILED':6}  {stage.name}: {equation}"
    yield from _names("missing", stage.missing)
    yield from _names("never given", stage.phantoms)
    yield from _names("more than once", stage.repeated)
    yield from _names("explained", stage.notes)


def _names(what: str, names: tuple[str, ...]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - SHOWN:,} more (--json names all)" if len(names) > SHOWN else ""
        yield f"        {what} ({len(names):,}): {', '.join(names[:SHOWN])}{more}"
