"""What a backtest of remaining life has shown, as JSON values and as lines for people."""

from typing import Any

import msgspec

from models.life_evaluation import CLIP_HOURS, FirstAlerts, LifeEvaluation
from models.spec import ModelSpec
from processing.life_backtest import LifeResult


def as_json(spec: ModelSpec, result: LifeResult, seconds: float) -> dict[str, Any]:
    """Return everything as plain values: the figures, and the judged readings one by one.

    Parameters
    ----------
    seconds
        How long it took.
    """
    judged = result.judged
    columns = (judged.machine, judged.life, judged.estimate, judged.lower, judged.upper)
    names = ("machine", "life", "estimate", "lower", "upper")
    bounded = result.evaluation.coverage is not None
    kept = len(names) if bounded else names.index("lower")
    return {
        "model": spec.name,
        "version": spec.version,
        "folds": result.folds,
        "trained_on": {"machines": result.machines, "readings": result.trained_on},
        **msgspec.to_builtins(result.evaluation),
        "alerts": msgspec.to_builtins(result.alerts),
        "judged": [
            dict(zip(names[:kept], row, strict=True))
            for row in zip(*(column.tolist() for column in columns[:kept]), strict=True)
        ],
        "seconds": round(seconds, 1),
    }


def lines(spec: ModelSpec, result: LifeResult) -> list[str]:
    """Return the figures, one a line."""
    e = result.evaluation
    how = (
        f"{result.folds} groups of {result.machines} machines, each judged by a model of the others"
        if result.folds
        else f"at the last reading of {e.machines} machines, by a model of {result.machines} others"
    )
    return [
        f"{spec.name} {spec.version}: {how}; {e.readings:,} readings judged",
        f"{'RMSE':34}{e.rmse:8.2f} h",
        f"{f'RMSE, true lives clipped at {CLIP_HOURS:g} h':34}{e.rmse_clipped:8.2f} h",
        f"{'mean error':34}{e.bias:8.2f} h",
        f"{'asymmetric score':34}{e.score:8.1f}",
        *_interval(e),
        *(_alerts(result.alerts) if result.alerts else []),
    ]


def _interval(e: LifeEvaluation) -> list[str]:
    if e.coverage is None or e.below is None or e.above is None:
        return []
    return [
        f"{'true lives within the interval':34}{100 * e.coverage:8.1f} %: {100 * e.below:.1f} % below it, {100 * e.above:.1f} % above",
        f"{'median width of the interval':34}{e.width:8.1f} h",
    ]


def _alerts(alerts: FirstAlerts) -> list[str]:
    told = f"machines warned {alerts.threshold:g} h ahead"
    if alerts.median is None:
        return [f"{told:34}{0:8} of {alerts.machines}"]
    return [
        f"{told:34}{alerts.in_time:8} of {alerts.machines}; first alert {alerts.latest:g} to {alerts.earliest:g} h before the failure, median {alerts.median:g} h"
    ]
