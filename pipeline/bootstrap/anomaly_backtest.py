"""Backtests of detectors on files, with this installation's Java."""

from collections.abc import Callable, Sequence
from pathlib import Path

from infra.embedded.java import java_binary
from ingest.recorded import open_recording
from models.spec import ModelSpec
from pipeline.bootstrap import histories
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings
from pipeline.windows import Windows
from processing.anomaly_backtest import AnomalyResult, backtest_anomalies


def backtest_anomalies_on_files(
    settings: Settings,
    spec: ModelSpec,
    files: Sequence[Path],
    mapping: Path | None,
    windows: Windows,
    *,
    share: float,
    report: Callable[[str], None],
) -> AnomalyResult:
    """Look for known anomalies in all that files hold.

    Raises
    ------
    RefuseUsageError
        When the files hold other events than the model scores, or no judged reading lies in a window.
    """
    recording = open_recording(files, mapping)
    with histories.recorded(settings, spec, recording, None, report) as history:
        result = backtest_anomalies(
            spec,
            history,
            windows,
            share=share,
            java=java_binary(),
            memory=settings.processing.memory,
            report=report,
        )
    if not result.found.findings:
        names = ", ".join(m.machine for m in result.machines[:5])
        raise RefuseUsageError(
            f"no judged reading lies in a window: the data holds {len(result.machines)} machines, as {names}"
        )
    return result
