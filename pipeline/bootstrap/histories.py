"""Histories to train and test on: files by their mapping, or a simulated world, written once in the order of arrival."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from ingest.handbook.settings import HandbookSettings
from ingest.handbook.stream import World
from ingest.recorded import Recording
from ingest.replay_items import Selection
from models.events import Event, Transaction
from models.spec import LateLabel, ModelSpec
from pipeline.bootstrap.feeds import tokenizer
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings
from processing.history import write_history
from processing.labelled import Span

Report = Callable[[str], None]


@contextmanager
def simulated(
    settings: Settings, world: HandbookSettings, first_day: date, days: int, report: Report
) -> Iterator[Path]:
    """Write so many simulated days; the file is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="fastdata-history-") as folder:
        file = Path(folder) / "history.parquet"
        rows = write_history(World(world, tokenizer(settings)).events(first_day, days), Transaction, file)
        report(f"history of {days} days from {first_day}: {rows:,} transactions and labels")
        yield file


@contextmanager
def given(spec: ModelSpec, events: Iterable[Event], report: Report) -> Iterator[Path]:
    """Write events in the order of their arrival; the file is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="fastdata-history-") as folder:
        file = Path(folder) / "history.parquet"
        report(f"history of {write_history(events, spec.event, file):,} events")
        yield file


@contextmanager
def recorded(
    settings: Settings, spec: ModelSpec, recording: Recording, read: Span | None, report: Report
) -> Iterator[Path]:
    """Write what files hold, or only the events of a span with their labels; the file is gone at the end.

    Raises
    ------
    RefuseUsageError
        When the files hold other events than the model scores, no labels though it learns from them, or nothing.
    """
    _refuse_other(spec, recording)
    selection = Selection() if read is None else Selection(max(read.start_ms, 0), read.end_ms)
    with tempfile.TemporaryDirectory(prefix="fastdata-history-") as folder:
        file = Path(folder) / "history.parquet"
        rows = write_history(recording.events(tokenizer(settings), selection), spec.event, file)
        if recording.first is None:
            where = "" if read is None else f" before {_day(read.end_ms)}"
            raise RefuseUsageError(f"the data holds no events{where}{_refused(recording)}")
        report(f"history of {rows:,} events and labels{_refused(recording)}")
        yield file


def refuse_uncovered(recording: Recording, needed: Span) -> None:
    """Refuse a span that begins before the data, or ends on a later day than it.

    Raises
    ------
    RefuseUsageError
        With the days that the data covers.
    """
    assert recording.first is not None
    assert recording.last is not None
    first, last = _day(recording.first), _day(recording.last)
    if _day(needed.start_ms) < first or _day(needed.end_ms - 1) > last:
        raise RefuseUsageError(
            f"the windows need events from {_day(needed.start_ms)} to {_day(needed.end_ms - 1)}, "
            f"the data covers {first} to {last}{'' if _day(needed.end_ms - 1) > last else ' or later'}: "
            "choose other dates or fewer days"
        )


def _refuse_other(spec: ModelSpec, recording: Recording) -> None:
    tag = str(spec.event.__struct_config__.tag)
    if recording.mapping is None:
        return
    if recording.mapping.event != tag:
        raise RefuseUsageError(
            f"the mapping makes {recording.mapping.event} events, {spec.name} scores {tag} events"
        )
    if isinstance(spec.label, LateLabel) and recording.mapping.label is None:
        raise RefuseUsageError(
            f"{spec.name} learns from labels and the mapping has no [label]: say which column holds them"
        )


def _refused(recording: Recording) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in recording.refused.items())
    return f"; rows that are no events: {reasons}" if reasons else ""


def _day(ms: int) -> date:
    return datetime.fromtimestamp(ms / 1_000, UTC).date()
