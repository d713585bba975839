"""Replay: files through the door, at a chosen pace, resumable. What the CLI's `replay` calls."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from ingest.door import Door
from ingest.errors import RefuseInputError
from ingest.feed import Checkpoints, Feed
from ingest.mapping import Mapping, load_mapping
from ingest.offers import Item
from ingest.pace import Pacer, schedule
from ingest.progress_file import ReplayProgress, digest, load_progress, save_progress
from ingest.replay_items import Selection, about_items, read_events, read_rows
from ingest.reports import FeedReport, OnProgress
from ingest.tokens import Tokenizer

_EVENT_FILES: Final = frozenset({".jsonl", ".ndjson"})


class ReplayOptions(BaseModel):
    """What to replay and how fast; with neither `events_per_s` nor `speed`, as fast as possible."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[Path, ...] = Field(
        min_length=1, description="Parquet, CSV (.csv) or JSON Lines (.jsonl, .ndjson), in this order."
    )
    mapping: Path | None = Field(
        default=None, description="Mapping file; none for JSON Lines that hold events in wire format."
    )
    progress_file: Path | None = Field(
        default=None, description="Where to keep how far it came; none: not resumable."
    )
    events_per_s: PositiveFloat | None = Field(default=None, description="Fixed rate, events per second.")
    speed: PositiveFloat | None = Field(default=None, description="So many times as fast as event time.")
    limit: PositiveInt | None = Field(
        default=None, description="At most so many rows; their labels come on top."
    )
    start: AwareDatetime | None = Field(default=None, description="Only event times from here on.")
    end: AwareDatetime | None = Field(default=None, description="Only event times before this.")
    restart: bool = Field(default=False, description="Forget the progress and begin again.")
    checkpoint_every_s: PositiveFloat = Field(
        default=1.0, description="How often the progress is kept, seconds."
    )

    @model_validator(mode="after")
    def _one_pace(self) -> "ReplayOptions":
        if self.events_per_s is not None and self.speed is not None:
            raise ValueError("say events_per_s or speed, not both")
        return self

    @property
    def selection(self) -> Selection:
        """The rows to take."""
        return Selection(_milliseconds(self.start), _milliseconds(self.end), self.limit)


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1_000)


def run_replay(
    options: ReplayOptions,
    *,
    door: Door,
    tokenizer: Tokenizer,
    stop: threading.Event,
    on_progress: OnProgress,
    monotonic: Callable[[], float] = time.monotonic,
) -> FeedReport:
    """Send files through the door until their end, the limit or `stop`.

    A replay with a progress file goes on after the last item that Kafka has acknowledged. After a crash
    up to `checkpoint_every_s` of it is sent again, with the same ids.

    Parameters
    ----------
    door
        A fresh one, so that its counts are those of this run.
    stop
        Set it (Ctrl-C) to end early and keep the progress.
    on_progress
        Called a few times a second from this thread.
    monotonic
        Seconds of a clock that never goes back.

    Raises
    ------
    RefuseInputError
        When a file, the mapping or the progress file is not usable; says what to change.
    RetryLaterError
        When Kafka did not acknowledge in time; run it again to go on.
    """
    mapping = _mapping(options)
    progress = _progress(options, mapping, tokenizer)
    if progress.finished:
        return FeedReport("already finished", progress.acknowledged, {}, {}, 0.0)
    feed = Feed(
        door,
        Pacer(schedule(options.events_per_s, options.speed), monotonic),
        stop=stop,
        monotonic=monotonic,
        on_progress=on_progress,
        checkpoints=_checkpoints(options, progress),
        already_sent=progress.acknowledged,
        total=about_items(options.files, mapping, options.limit),
    )
    report = feed.run(itertools.islice(_items(options, mapping, tokenizer), progress.acknowledged, None))
    if report.end == "finished":
        _keep(options, ReplayProgress(replay=progress.replay, acknowledged=report.sent, finished=True))
    return report


def _mapping(options: ReplayOptions) -> Mapping | None:
    for path in options.files:
        if not path.is_file():
            raise RefuseInputError(f"there is no file {path}")
        if options.mapping is None and path.suffix.lower() not in _EVENT_FILES:
            raise RefuseInputError(
                f"{path} needs a mapping file: only JSON Lines can hold events as they are"
            )
    return None if options.mapping is None else load_mapping(options.mapping)


def _items(options: ReplayOptions, mapping: Mapping | None, tokenizer: Tokenizer) -> Iterator[Item]:
    if mapping is None:
        return read_events(options.files, options.selection)
    return read_rows(options.files, mapping, tokenizer, options.selection)


def _progress(options: ReplayOptions, mapping: Mapping | None, tokenizer: Tokenizer) -> ReplayProgress:
    shape = mapping.model_dump_json() if mapping is not None else "events"
    replay = digest(options.files, shape, tokenizer.fingerprint, *options.selection)
    if options.restart or options.progress_file is None:
        return ReplayProgress(replay=replay)
    return load_progress(options.progress_file, replay)


def _checkpoints(options: ReplayOptions, progress: ReplayProgress) -> Checkpoints | None:
    if options.progress_file is None:
        return None

    def keep(sent: int) -> None:
        _keep(options, ReplayProgress(replay=progress.replay, acknowledged=sent))

    return Checkpoints(keep, options.checkpoint_every_s)


def _keep(options: ReplayOptions, progress: ReplayProgress) -> None:
    if options.progress_file is not None:
        save_progress(options.progress_file, progress)
