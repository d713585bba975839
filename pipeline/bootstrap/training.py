"""Training on simulated history: the days before a live simulation of the same world begins."""

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from infra.embedded.java import java_binary
from ingest.handbook.settings import HandbookSettings
from ingest.handbook.stream import World
from models.events import Transaction
from models.spec import ModelSpec
from pipeline import artifacts
from pipeline.bootstrap.feeds import tokenizer
from pipeline.settings import Settings
from processing.history import write_history
from processing.training import train


def train_model(
    settings: Settings,
    spec: ModelSpec,
    world: HandbookSettings,
    *,
    first_day: date,
    days: int,
    report: Callable[[str], None],
) -> Path:
    """Train a model on so many simulated days and keep its artifact; return its file."""
    with tempfile.TemporaryDirectory(prefix="fastdata-history-") as folder:
        history = Path(folder) / "history.parquet"
        events = World(world, tokenizer(settings)).events(first_day, days)
        rows = write_history(events, Transaction, history)
        report(f"history of {days} days from {first_day}: {rows} transactions and labels")
        artifact = train(spec, history, java=java_binary(), memory=settings.processing.memory, report=report)
    return artifacts.keep(settings.models_dir, artifact)
