"""Simulated card transactions: a live stream through the door, and history to train on. What `simulate` calls."""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from ingest.door import Door
from ingest.feed import Feed
from ingest.handbook.settings import HandbookSettings
from ingest.handbook.stream import COLUMNS, World
from ingest.offers import Offer
from ingest.pace import Pacer, schedule
from ingest.ports import Clock
from ingest.reports import FeedReport, OnProgress
from ingest.tokens import Tokenizer

SOURCE: Final = "simulator"

DAYS_WITHOUT_LIMIT: Final = 1_825
"""How far back a run without limit begins, in days."""

SURELY_SENT: Final = 0.8
"""The share of the mean transactions a day that is surely there: times outside the day are left out."""


class SimulationOptions(BaseModel):
    """What to simulate live, and how fast; with neither `days` nor `limit` it goes on until stopped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: HandbookSettings = Field(default_factory=HandbookSettings, description="The simulated world.")
    first_day: date | None = Field(
        default=None, description="First day of event time (UTC); none: early enough to stay in the past."
    )
    days: PositiveInt | None = Field(
        default=None, description="So many days of transactions, then their labels."
    )
    events_per_s: PositiveFloat | None = Field(
        default=None, description="Transactions and labels per second; none: as fast as possible."
    )
    limit: PositiveInt | None = Field(default=None, description="At most so many events, labels included.")


def run_simulation(
    options: SimulationOptions,
    *,
    door: Door,
    tokenizer: Tokenizer,
    clock: Clock,
    stop: threading.Event,
    on_progress: OnProgress,
    monotonic: Callable[[], float] = time.monotonic,
) -> FeedReport:
    """Send simulated transactions and their labels through the door, in order of event time.

    Event time runs as fast as `events_per_s` makes it, but never past the clock: having caught up, the
    stream goes on in real time. The same options and first day give the same events with the same ids.

    Parameters
    ----------
    door
        A fresh one, so that its counts are those of this run.
    clock
        Milliseconds since the epoch.
    stop
        Set it (Ctrl-C) to end early.
    on_progress
        Called a few times a second from this thread.
    monotonic
        Seconds of a clock that never goes back.

    Raises
    ------
    RetryLaterError
        When Kafka did not acknowledge in time.
    """
    first_day = options.first_day or default_first_day(options, clock())
    events = World(options.process, tokenizer).events(first_day, options.days)
    offers = (Offer(event, SOURCE, number) for number, event in enumerate(events, 1))
    feed = Feed(
        door,
        Pacer(schedule(options.events_per_s, None), monotonic, not_before=clock),
        stop=stop,
        monotonic=monotonic,
        on_progress=on_progress,
        total=options.limit,
    )
    return feed.run(itertools.islice(offers, options.limit))


def default_first_day(options: SimulationOptions, now_ms: int) -> date:
    """Return a first day from which the whole run, as far as its length is known, lies in the past.

    Parameters
    ----------
    now_ms
        Milliseconds since the epoch.
    """
    limits = [DAYS_WITHOUT_LIMIT]
    if options.limit is not None:
        limits = [math.ceil(options.limit / options.process.transactions_per_day / SURELY_SENT)]
    if options.days is not None:
        limits.append(options.days)
    today = datetime.fromtimestamp(now_ms / 1_000, UTC).date()
    return today - timedelta(days=min(limits) + options.process.label_delay_days + 1)


def history(process: HandbookSettings, *, first_day: date, days: int, tokenizer: Tokenizer) -> pa.Table:
    """Return transactions with their verdicts, to train on; the same that the live stream has on these days.

    Parameters
    ----------
    first_day
        The first day (UTC).
    days
        How many days.

    Returns
    -------
    pyarrow.Table
        Columns id, time (milliseconds since the epoch), card, terminal, amount, fraud; in order of time.
    """
    return pa.Table.from_batches(_days(process, first_day, days, tokenizer), COLUMNS)


def write_history(
    path: Path, process: HandbookSettings, *, first_day: date, days: int, tokenizer: Tokenizer
) -> int:
    """Write what `history` returns to a Parquet file, day by day; return the number of rows.

    The mapping `maps/history.toml` replays the file.
    """
    rows = 0
    with pq.ParquetWriter(path, COLUMNS) as file:
        for batch in _days(process, first_day, days, tokenizer):
            file.write_batch(batch)
            rows += batch.num_rows
    return rows


def _days(
    process: HandbookSettings, first_day: date, days: int, tokenizer: Tokenizer
) -> Iterator[pa.RecordBatch]:
    world = World(process, tokenizer)
    return (world.batch(first_day + timedelta(days=day)) for day in range(days))
