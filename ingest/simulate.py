"""Simulated card transactions: a live stream through the door, and history to train on. What `simulate` calls."""

import threading
import time
from collections.abc import Callable
from datetime import date

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from ingest.door import Door
from ingest.handbook.settings import HandbookSettings
from ingest.ports import Clock
from ingest.reports import FeedReport, OnProgress
from ingest.tokens import Tokenizer


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
    """Send simulated transactions and labels through the door, in order of event time, never in the future."""
    raise NotImplementedError


def history(process: HandbookSettings, *, first_day: date, days: int, tokenizer: Tokenizer) -> pa.Table:
    """Return `days` days of transactions with their verdicts: id, time (ms), card, terminal, amount, fraud."""
    raise NotImplementedError
