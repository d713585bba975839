"""Backtests of remaining life: machines that the model was not fitted on, at every reading or at their last one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from models.labels import HOUR_MS, Hours
from models.life_evaluation import FirstAlerts, LifeEvaluation, Lives, evaluate, first_alerts
from models.spec import AlertBelow, ModelSpec
from processing.errors import RefuseTrainingError
from processing.fitting import check_values, fit
from processing.labelled import labelled, table_session
from processing.lives import HORIZON_HOURS, WARM_READINGS, dealt, judged, said, with_lives

FOLDS: Final = 5


@dataclass(frozen=True)
class LifeResult:
    """What a model of remaining life has shown.

    Attributes
    ----------
    trained_on, machines
        Readings and machines that the estimators were fitted on, all folds together.
    folds
        Groups of machines, each judged by a model of the others; 0 for a test set of its own.
    lives
        All readings of the test machines and what was said of them.
    judged
        Those among them that the figures are of.
    alerts
        When alerts came; None where the runs do not end with the failure, or a high score is an alert.
    """

    trained_on: int
    machines: int
    folds: int
    lives: Lives
    judged: Lives
    evaluation: LifeEvaluation
    alerts: FirstAlerts | None


def cross_validated(
    spec: ModelSpec,
    history: Path,
    *,
    folds: int = FOLDS,
    horizon_hours: float = HORIZON_HOURS,
    warm: int = WARM_READINGS,
    java: Path,
    memory: str,
    report: Callable[[str], None],
) -> LifeResult:
    """Evaluate a model on machines that ran until they failed, group by group; values are those of the compiled SQL.

    Parameters
    ----------
    history
        A file by `processing.history.write_history`.
    folds
        Groups of machines; each is judged by a model that was fitted on the others.
    horizon_hours
        Readings that lie further from the failure are not judged, nor are the first `warm` ones of a machine.
    java
        The Java binary.
    memory
        Heap of Spark's Java process, as in `2g`.
    report
        Takes one line per step.

    Raises
    ------
    RefuseTrainingError
        When there are too few machines, or the estimator does not fit the features.
    """
    with table_session(java, memory, history) as spark:
        rows = with_lives(spark, spec, history)
        report(f"{len(rows)} readings of {rows[spec.event.key_field].nunique()} machines until they failed")
        part = dealt(spec, rows, folds)
        scored = []
        for fold in range(folds):
            test = rows[part == fold]
            values = check_values(spark, spec, fit(spec, rows[part != fold]), test)
            scored.append(pd.concat([test.reset_index(drop=True), values], axis=1))
            report(f"group {fold + 1} of {folds}: {test[spec.event.key_field].nunique()} machines judged")
    whole = pd.concat(scored, ignore_index=True)
    lives = said(spec, whole, whole)
    chosen = lives.where(judged(lives, horizon_hours=horizon_hours, warm=warm))
    return LifeResult(
        trained_on=len(rows),
        machines=rows[spec.event.key_field].nunique(),
        folds=folds,
        lives=lives,
        judged=chosen,
        evaluation=evaluate(chosen),
        alerts=_alerts(spec, lives, whole.score.to_numpy(np.float64)),
    )


def on_test_set(
    spec: ModelSpec,
    history: Path,
    test: Path,
    left: Mapping[str, float],
    *,
    java: Path,
    memory: str,
    report: Callable[[str], None],
) -> LifeResult:
    """Evaluate a model, fitted on all machines of a history, at the last reading of each test machine.

    Parameters
    ----------
    history, test
        Files by `processing.history.write_history`: machines that ran until they failed, and others that did not.
    left
        Test machine -> hours that it had left after its last reading.
    java, memory, report
        As in `cross_validated`.

    Raises
    ------
    RefuseTrainingError
        When the test machines are not those of `left`, or the estimator does not fit the features.
    """
    _refuse_others(machines_of(spec, test), left)
    with table_session(java, memory, history) as spark:
        rows = with_lives(spark, spec, history)
        machines = rows[spec.event.key_field].nunique()
        report(f"{len(rows)} readings of {machines} machines until they failed")
        others = _with_known_lives(spark, spec, test, left)
        report(f"{len(others)} readings of {len(left)} test machines")
        values = check_values(spark, spec, fit(spec, rows), others)
    lives = said(spec, others, values)
    number = others.groupby(spec.event.key_field).cumcount(ascending=False).to_numpy(np.int64)
    last = lives.where(np.equal(number, 0))
    return LifeResult(len(rows), machines, 0, lives, last, evaluate(last), None)


def machines_of(spec: ModelSpec, history: Path) -> list[str]:
    """Return the machines of a history, in the order of their first reading."""
    names: list[str] = (
        pd.read_parquet(history, columns=[spec.event.key_field])[spec.event.key_field].unique().tolist()
    )
    return names


def _refuse_others(machines: Sequence[str], left: Mapping[str, float]) -> None:
    if unknown := sorted(set(machines) ^ set(left)):
        raise RefuseTrainingError(
            f"test machines and true lives are of different machines: {', '.join(unknown[:5])} are in one of them only"
        )


def _with_known_lives(
    spark: SparkSession, spec: ModelSpec, test: Path, left: Mapping[str, float]
) -> pd.DataFrame:
    rows, key = labelled(spark, spec.plan(), test), spec.event.key_field
    last: Hours = rows.groupby(key).event_time.transform("max").to_numpy(np.float64)
    after = rows[key].map(dict(left)).to_numpy(np.float64)
    return rows.assign(life=(last - rows.event_time.to_numpy(np.float64)) / HOUR_MS + after)


def _alerts(spec: ModelSpec, lives: Lives, score: Hours) -> FirstAlerts | None:
    if not isinstance(spec.threshold, AlertBelow):
        return None
    return first_alerts(lives.machine, lives.life, score, spec.threshold.score)
