"""The text of `verify`."""

from collections.abc import Iterator

from pipeline.reconcile import SHOWN, Reconciliation, Stage


def lines(found: Reconciliation) -> Iterator[str]:
    """Return one line per stage, and the names behind what is wrong."""
    for stage in found.stages:
        yield from _stage(stage)
    for name, count in found.information.items():
        if count:
            yield f"        {name}: {count:,}"
    yield "clean: nothing lost, nothing invented, nothing done twice" if found.clean else "NOT CLEAN"


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
