"""What a backtest has shown, as JSON values and as a table for people."""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import msgspec

from models.spec import ModelSpec
from processing.backtest import FoldResult


def as_json(spec: ModelSpec, results: Sequence[FoldResult], top: int, seconds: float) -> dict[str, Any]:
    """Return everything as plain values: per fold and the mean over the folds.

    Parameters
    ----------
    top
        Cards a day that were looked at.
    seconds
        How long it took.
    """
    return {
        "model": spec.name,
        "version": spec.version,
        "top": top,
        "folds": [_fold(result) for result in results],
        "mean": mean(results),
        "seconds": round(seconds, 1),
    }


def mean(results: Sequence[FoldResult]) -> dict[str, float]:
    """Return the mean over the folds of what can be averaged."""
    found = [result.evaluation for result in results]
    return {
        "roc_auc": fmean(e.roc_auc for e in found),
        "average_precision": fmean(e.average_precision for e in found),
        "card_precision": fmean(e.card_precision for e in found),
        "best_card_precision": fmean(e.best_card_precision for e in found),
        "alerts_per_day": fmean(e.alerts.mean_per_day for e in found),
        "saved": fmean(e.money.saved for e in found),
    }


def lines(spec: ModelSpec, results: Sequence[FoldResult], top: int) -> list[str]:
    """Return a table: one line per fold, and their mean."""
    head = (
        f"{'train from':12}{'train':>9}{'test':>9}{'frauds':>8}{'ROC AUC':>9}{'AP':>7}{f'CP@{top}':>8}"
        f"{'best':>7}{'Brier':>8}{'alerts/day':>12}{'precision':>11}{'recall':>8}{'saved':>10}"
    )
    average = mean(results)
    last = (
        f"{'mean':38}{average['roc_auc']:9.3f}{average['average_precision']:7.3f}{average['card_precision']:8.3f}"
        f"{average['best_card_precision']:7.3f}{'':8}{average['alerts_per_day']:12.1f}{'':19}{average['saved']:10.0f}"
    )
    return [f"{spec.name} {spec.version}", head, *(_line(result) for result in results), last]


def _line(result: FoldResult) -> str:
    e = result.evaluation
    brier = f"{e.calibration.brier:8.4f}" if e.calibration else f"{'-':>8}"
    return (
        f"{_date(result.fold.train.start_ms):12}{result.trained_on:9,}{e.events:9,}{e.frauds:8,}{e.roc_auc:9.3f}"
        f"{e.average_precision:7.3f}{e.card_precision:8.3f}{e.best_card_precision:7.3f}{brier}"
        f"{e.alerts.mean_per_day:12.1f}{_share(e.alerts.precision):>11}{_share(e.alerts.recall):>8}{e.money.saved:10.0f}"
    )


def _fold(result: FoldResult) -> dict[str, Any]:
    fold = result.fold
    spans = {"train": fold.train, "test": fold.test}
    dates = {
        f"{name}_{end}": _date(ms)
        for name, span in spans.items()
        for end, ms in (("from", span.start_ms), ("to", span.end_ms))
    }
    return {
        **dates,
        "trained_on": result.trained_on,
        "train_frauds": result.frauds,
        "left_out": result.left_out,
        **msgspec.to_builtins(result.evaluation),
    }


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).date().isoformat()
