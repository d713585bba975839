"""Backtests: train on a window, wait until its labels have come, score the window after it. Fold by fold, as in production."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from models.evaluation import Costs, Evaluation, Outcomes, evaluate, not_known
from models.spec import ModelSpec
from processing.errors import RefuseTrainingError
from processing.fitting import check_parity, fit
from processing.labelled import Span, labelled, table_session
from processing.own_scores import Scores


@dataclass(frozen=True)
class Fold:
    """One train window, the delay after it, and the test window after that.

    Parameters
    ----------
    train_from_ms
        Start of training, milliseconds since the epoch.
    train_ms, delay_ms, test_ms
        Lengths in milliseconds.
    """

    train_from_ms: int
    train_ms: int
    delay_ms: int
    test_ms: int

    @property
    def train(self) -> Span:
        """What the estimator is fitted on."""
        return Span(self.train_from_ms, self.train_from_ms + self.train_ms)

    @property
    def delay(self) -> Span:
        """What passes until the labels of training are known; the threshold is taken from its scores."""
        return Span(self.train.end_ms, self.train.end_ms + self.delay_ms)

    @property
    def test(self) -> Span:
        """What is scored and evaluated."""
        return Span(self.delay.end_ms, self.delay.end_ms + self.test_ms)

    @property
    def whole(self) -> Span:
        """From the first training event to the last test event."""
        return Span(self.train.start_ms, self.test.end_ms)


@dataclass(frozen=True)
class FoldResult:
    """What a fold has shown.

    Attributes
    ----------
    trained_on, frauds
        Rows that the estimator was fitted on, and the frauds among them.
    left_out
        Test events of cards that were known as compromised when their day began.
    outcomes
        Test events with their scores.
    """

    fold: Fold
    trained_on: int
    frauds: int
    left_out: int
    evaluation: Evaluation
    outcomes: Outcomes


def backtest(
    spec: ModelSpec,
    history: Path,
    folds: Sequence[Fold],
    *,
    costs: Costs,
    top: int,
    java: Path,
    memory: str,
    report: Callable[[str], None],
) -> list[FoldResult]:
    """Evaluate a model fold by fold; scores are those of the compiled SQL.

    A fold learns from the events of its train window whose labels were known when the test window began.
    Cards with a fraud since training began leave the test on the day (UTC) after the fraud became known.
    The threshold is taken from the scores between training and test, or of the train window without delay.

    Parameters
    ----------
    history
        A file by `processing.history.write_history`; see `processing.labelled.span_read` for what it needs.
    costs
        For the money.
    top
        Cards a day that are looked at.
    java
        The Java binary.
    memory
        Heap of Spark's Java process, as in `2g`.
    report
        Takes one line per step.

    Raises
    ------
    RefuseTrainingError
        When a window has no events or one class only, or the estimator does not fit the features.
    """
    plan = spec.plan()
    whole = Span(min(f.whole.start_ms for f in folds), max(f.whole.end_ms for f in folds))
    with table_session(java, memory, history) as spark:
        rows = labelled(spark, plan, history, whole)
        report(f"{len(rows)} events with {len(plan.features)} features")
        results = []
        for fold in folds:
            results.append(_tested(spark, spec, rows, fold, costs=costs, top=top))
            report(_line(results[-1], top))
    return results


def _tested(
    spark: SparkSession, spec: ModelSpec, rows: pd.DataFrame, fold: Fold, *, costs: Costs, top: int
) -> FoldResult:
    train, test = _train_rows(spec, rows, fold), _test_rows(spec, rows, fold)
    fitted = fit(spec, train)
    tail = fold.delay if fold.delay_ms else fold.train
    before = tail.of(rows)
    scores = check_parity(spark, spec, fitted, pd.concat([before, test]))
    threshold = spec.threshold.of(scores[: len(before)], tail.end_ms - tail.start_ms)
    outcomes = _outcomes(spec, test, scores[len(before) :])
    return FoldResult(
        fold=fold,
        trained_on=len(train),
        frauds=_frauds(train),
        left_out=int(fold.test.of(rows).verdict.notna().sum()) - len(test),
        evaluation=evaluate(outcomes, threshold, costs=costs, top=top, probability=fitted.probability),
        outcomes=outcomes,
    )


def _line(result: FoldResult, top: int) -> str:
    found = result.evaluation
    return (
        f"{_date(result.fold.train.start_ms)}: ROC AUC {found.roc_auc:.3f}, average precision "
        f"{found.average_precision:.3f}, card precision@{top} {found.card_precision:.3f}"
    )


def _train_rows(spec: ModelSpec, rows: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    train = fold.train.of(rows)
    if spec.label is not None:
        train = train[train.known_at <= fold.test.start_ms]
    return _required(train, "train", fold.train, classes=spec.label is not None)


def _test_rows(spec: ModelSpec, rows: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    test = fold.test.of(rows)
    test = test[test.verdict.notna()]
    entity = spec.event.key_field
    frauds = rows[(rows.event_time >= fold.train.start_ms) & rows.verdict.eq(other=True)]
    first_fraud = {str(card): int(time) for card, time in frauds.groupby(entity).event_time.min().items()}
    unknown = not_known(
        test[entity].to_numpy(dtype=object), test.event_time.to_numpy(np.int64), first_fraud, fold.delay_ms
    )
    return _required(test[unknown], "test", fold.test, classes=True)


def _required(rows: pd.DataFrame, name: str, span: Span, *, classes: bool) -> pd.DataFrame:
    where = f"the {name} window {_date(span.start_ms)} to {_date(span.end_ms)}"
    if not len(rows):
        raise RefuseTrainingError(
            f"{where} has no events with labels in time: choose dates that the data covers"
        )
    if classes and rows.verdict.nunique() != 2:  # noqa: PLR2004 - fraud and no fraud
        raise RefuseTrainingError(f"{where} has {len(rows)} events of one class only: choose a longer window")
    return rows


def _outcomes(spec: ModelSpec, test: pd.DataFrame, scores: Scores) -> Outcomes:
    amount = test.amount.to_numpy(np.float64) if "amount" in test else np.zeros(len(test))
    return Outcomes(
        test[spec.event.key_field].to_numpy(dtype=object),
        test.event_time.to_numpy(np.int64),
        amount,
        test.verdict.to_numpy(dtype=bool),
        scores,
    )


def _date(ms: int) -> str:
    return str(pd.Timestamp(ms, unit="ms").date())


def _frauds(rows: pd.DataFrame) -> int:
    return int(rows.verdict.eq(other=True).sum())
