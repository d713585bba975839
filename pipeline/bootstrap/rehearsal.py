"""Rehearsals on this installation: the topics or files, the artifacts, the policies, this machine's Java."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from actors.dry_run import dry_run
from infra.embedded.java import java_binary
from ingest.reading import read_all
from ingest.recorded import open_recording
from ingest.replay_items import Selection
from models.artifact import Artifact
from models.events import EVENT_TYPES, Event, Label
from models.policies.policies import Policies
from pipeline import artifacts
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.feeds import tokenizer
from pipeline.bootstrap.stores import open_stores
from pipeline.errors import RefuseUsageError
from pipeline.rehearsal.records import events_of, happened
from pipeline.rehearsal.rehearsal import Rehearsal, Seen, rehearsal
from pipeline.settings import Settings
from processing.history import write_history
from processing.labelled import Span, span_read
from processing.rehearsal import score_recorded
from storage.fleets import Fleets

Report = Callable[[str], None]


def rehearse(
    settings: Settings,
    artifact: Artifact,
    span: Span,
    policies: Policies,
    *,
    files: Sequence[Path],
    mapping: Path | None,
    top: int,
    report: Report,
) -> Rehearsal:
    """Rehearse a version of a model on the events of a span, from the topics or from files.

    Raises
    ------
    RefuseUsageError
        When there are no events in the span.
    """
    read = span_read(artifact.plan, span, 0)
    source = (
        _from_files(settings, files, mapping) if files else partial(_from_topics, settings, artifact.event)
    )
    watch = _Watch(span)
    with tempfile.TemporaryDirectory(prefix="fastdata-rehearsal-") as folder:
        file = Path(folder) / "history.parquet"
        rows = write_history(
            watch.of(source(Span(max(read.start_ms, 0), read.end_ms))), EVENT_TYPES[artifact.event], file
        )
        if not watch.within:
            raise RefuseUsageError(
                "there are no events in this span: choose other times, or name files by --data"
            )
        report(f"{watch.within:,} events in the span, {rows - watch.within:,} labels and events before it")
        now = score_recorded(artifact, file, span, java=java_binary(), memory=settings.processing.memory)
    ids = {score.event_id for score in now}
    then = happened(partial(read_all, settings.kafka), artifact.name, span.start_ms, span.end_ms, ids)
    with open_stores(settings.cassandra) as stores:
        act = partial(
            dry_run, policies=policies, until=span.end_ms, fleet_of=Fleets(stores.machines, wall_ms)
        )
        name = (artifact.name, artifact.version, artifact.threshold)
        return rehearsal(name, then, now, act, seen=Seen(read.start_ms, watch.first), top=top)


def chosen(settings: Settings, model: str, version: str | None) -> Artifact:
    """Return a version of a model, the latest unless it is named."""
    known = artifacts.versions(settings.models_dir, model)
    if not known:
        raise RefuseUsageError(
            f"there is no model {model} in {settings.models_dir}: `fastdata models list` names them"
        )
    return artifacts.load(settings.models_dir, model, version or known[-1])


class _Watch:
    """Counts the events of a span as they pass, and notes the first event time of all."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.within = 0
        self.first = span.end_ms

    def of(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self.first = min(self.first, event.event_time)
            self.within += not isinstance(event, Label) and event.event_time >= self._span.start_ms
            yield event


def _from_topics(settings: Settings, tag: str, read: Span) -> Iterator[Event]:
    return events_of(partial(read_all, settings.kafka), tag, read.start_ms, read.end_ms)


def _from_files(
    settings: Settings, files: Sequence[Path], mapping: Path | None
) -> Callable[[Span], Iterator[Event]]:
    recording = open_recording(files, mapping)
    return lambda read: recording.events(tokenizer(settings), Selection(read.start_ms, read.end_ms))
