"""`models.monitoring.ProcessMonitor`: scaled features, their components, T2 and SPE, each a layer over the one before."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.estimators.sheet import Inputs, Output, Sheet, depth
from models.estimators.sql import double, total, weighted


def process_monitor(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile the larger of T2 and SPE, each divided by its limit; contributions add up to it."""
    plane, level = estimator.plane_, depth(inputs.columns)
    used = np.flatnonzero(np.isfinite(plane.scale))
    scaled = [
        sheet.define(_scaled(inputs.columns[i].sql, plane.mean[i], plane.scale[i]), level) for i in used
    ]
    directions = plane.components[:, used]
    along = [sheet.define(weighted(zip(d, scaled, strict=True)), level + 1) for d in directions]
    t2, spe = (sheet.define(sql, level + 2) for sql in _statistics(estimator, scaled, along))
    back, own = _larger(estimator, along, t2, spe)
    moved = [sheet.define(sql, level + 3) for sql in back]
    kept = sheet.define(own, level + 3)
    roots = [
        f"{kept} * {z} + {weighted(zip(d, moved, strict=True))}"
        for z, d in zip(scaled, directions.T, strict=True)
    ]
    pushes = [f"{root} * {root}" for root in (sheet.define(sql, level + 4) for sql in roots)]
    contributions = _by_feature([inputs.columns[i].feature for i in used], pushes)
    score = f"greatest({t2}, {spe})"
    return Output(score, score, "value", contributions, level + 5, {"t2": t2, "spe": spe})


def _scaled(column: str, mean: float, scale: float) -> str:
    return f"coalesce(nanvl(({column} - {double(mean)}) * {double(1 / scale)}, 0D), 0D)"


def _statistics(estimator: Any, scaled: Sequence[str], along: Sequence[str]) -> tuple[str, str]:
    """Return T2 and SPE; what a row has beside the plane is what it has at all less what lies along it."""
    weights = 1 / (estimator.plane_.variances * estimator.t2_limit_)
    t2 = total([f"{double(w)} * {t} * {t}" for w, t in zip(weights, along, strict=True)])
    length, within = (total([f"{v} * {v}" for v in values]) for values in (scaled, along))
    return t2, f"greatest({length} - {within}, 0D) * {double(1 / estimator.spe_limit_)}"


def _larger(estimator: Any, along: Sequence[str], t2: str, spe: str) -> tuple[list[str], str]:
    """Return what the components, and the scaled features themselves, weigh in the larger statistic.

    Projected back to the features, they are the roots of the contributions: one projection serves both statistics.
    """
    beside = 1 / np.sqrt(estimator.spe_limit_)
    within = 1 / np.sqrt(estimator.plane_.variances * estimator.t2_limit_)
    back = [
        f"{t} * if({t2} >= {spe}, {double(w)}, {double(-beside)})" for t, w in zip(along, within, strict=True)
    ]
    return back, f"if({t2} >= {spe}, 0D, {double(beside)})"


def _by_feature(names: Sequence[str | None], pushes: Sequence[str]) -> dict[str, str]:
    """Return the contributions of each feature; none where columns mix features."""
    if None in names:
        return {}
    added: dict[str, list[str]] = {}
    for name, push in zip(names, pushes, strict=True):
        added.setdefault(str(name), []).append(push)
    return {name: total(terms) for name, terms in added.items()}
