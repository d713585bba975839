"""Backtests on files, with this installation's Java."""

from collections.abc import Callable, Sequence
from pathlib import Path

from infra.embedded.java import java_binary
from ingest.recorded import open_recording
from models.evaluation import Costs
from models.spec import ModelSpec
from pipeline.bootstrap import histories
from pipeline.settings import Settings
from processing.backtest import Fold, FoldResult, backtest
from processing.labelled import Span, span_read


def backtest_on_files(
    settings: Settings,
    spec: ModelSpec,
    files: Sequence[Path],
    mapping: Path | None,
    folds: Sequence[Fold],
    *,
    costs: Costs,
    top: int,
    report: Callable[[str], None],
) -> list[FoldResult]:
    """Evaluate a model on files fold by fold; only what the folds' features need is read.

    Raises
    ------
    RefuseUsageError
        When the files do not cover the folds, or hold other events than the model scores.
    """
    recording = open_recording(files, mapping)
    needed = Span(min(f.whole.start_ms for f in folds), max(f.whole.end_ms for f in folds))
    read = span_read(spec.plan(), needed, recording.label_delay_ms)
    with histories.recorded(settings, spec, recording, read, report) as history:
        histories.refuse_uncovered(recording, needed)
        return backtest(
            spec,
            history,
            folds,
            costs=costs,
            top=top,
            java=java_binary(),
            memory=settings.processing.memory,
            report=report,
        )
