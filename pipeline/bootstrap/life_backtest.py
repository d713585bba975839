"""Backtests of remaining life on files, with this installation's Java."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.java import java_binary
from ingest.recorded import open_recording
from models.spec import ModelSpec
from pipeline.bootstrap import histories
from pipeline.settings import Settings
from pipeline.true_lives import read_true_lives
from processing.life_backtest import LifeResult, cross_validated, machines_of, on_test_set

Report = Callable[[str], None]


@dataclass(frozen=True)
class TestSet:
    """Files of machines that did not run until they failed, and the file of the lives that they had left."""

    files: Sequence[Path]
    truth: Path


def cross_validated_on_files(
    settings: Settings,
    spec: ModelSpec,
    files: Sequence[Path],
    mapping: Path | None,
    *,
    folds: int,
    horizon_hours: float,
    report: Report,
) -> LifeResult:
    """Judge each group of machines by a model of the others.

    Raises
    ------
    RefuseUsageError
        When the files hold other events than the model scores.
    """
    with histories.recorded(settings, spec, open_recording(files, mapping), None, report) as history:
        return cross_validated(
            spec,
            history,
            folds=folds,
            horizon_hours=horizon_hours,
            java=java_binary(),
            memory=settings.processing.memory,
            report=report,
        )


def tested_on_files(
    settings: Settings,
    spec: ModelSpec,
    files: Sequence[Path],
    mapping: Path | None,
    test: TestSet,
    *,
    report: Report,
) -> LifeResult:
    """Judge the last reading of each test machine by a model of all machines.

    Raises
    ------
    RefuseUsageError
        When files hold other events than the model scores, or the true lives are not those of the test machines.
    """
    with (
        histories.recorded(settings, spec, open_recording(files, mapping), None, report) as history,
        histories.recorded(settings, spec, open_recording(test.files, mapping), None, report) as others,
    ):
        return on_test_set(
            spec,
            history,
            others,
            read_true_lives(test.truth, machines_of(spec, others)),
            java=java_binary(),
            memory=settings.processing.memory,
            report=report,
        )
