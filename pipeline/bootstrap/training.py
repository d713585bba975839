"""Training on simulated history (the days before a live simulation of the same world begins) or on files."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

from infra.embedded.java import java_binary
from ingest.handbook.settings import HandbookSettings
from ingest.recorded import open_recording
from models.events import Event, Transaction
from models.spec import ModelSpec
from pipeline import artifacts
from pipeline.bootstrap import histories
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings
from processing.training import train

Report = Callable[[str], None]


def train_model(
    settings: Settings,
    spec: ModelSpec,
    world: HandbookSettings,
    *,
    first_day: date,
    days: int,
    report: Report,
) -> Path:
    """Train a model on so many simulated days and keep its artifact; return its file.

    Raises
    ------
    RefuseUsageError
        When the model scores other events than transactions.
    """
    if spec.event is not Transaction:
        raise RefuseUsageError(
            f"{spec.name} scores {spec.event.__struct_config__.tag} events and only transactions are "
            "simulated here: train it with --data and --map"
        )
    with histories.simulated(settings, world, first_day, days, report) as history:
        return _trained(settings, spec, history, report)


def train_on_events(settings: Settings, spec: ModelSpec, events: Iterable[Event], report: Report) -> Path:
    """Train a model on events in the order of their arrival and keep its artifact; return its file."""
    with histories.given(spec, events, report) as history:
        return _trained(settings, spec, history, report)


def train_on_files(
    settings: Settings, spec: ModelSpec, files: Sequence[Path], mapping: Path | None, report: Report
) -> Path:
    """Train a model on all that files hold and keep its artifact; return its file."""
    recording = open_recording(files, mapping)
    with histories.recorded(settings, spec, recording, None, report) as history:
        return _trained(settings, spec, history, report)


def _trained(settings: Settings, spec: ModelSpec, history: Path, report: Report) -> Path:
    artifact = train(spec, history, java=java_binary(), memory=settings.processing.memory, report=report)
    return artifacts.keep(settings.models_dir, artifact)
