"""`models.consistency`: scaled sensors, what each explains alone, and what is left, each a layer over the one before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from models.estimators.sheet import Column, Inputs, Output, Sheet, depth
from models.estimators.sql import double, total, weighted


class _Measured(NamedTuple):
    """SQL of what each sensor explains and of what is left, relative to their limits, `level` layers up."""

    sensors: list[Column]
    explained: list[str]
    left: str
    level: int


def machine_monitor(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile what no single sensor explains; contributions are what each sensor explains."""
    found = _measured(estimator, inputs, sheet)
    contributions = _by_feature(found.sensors, found.explained)
    return Output(found.left, found.left, "distance", contributions, found.level, {"left": found.left})


def sensor_monitor(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile the largest of what one sensor explains alone and of the flags; each is its own contribution."""
    found = _measured(estimator, inputs, sheet)
    guarded = f"{found.left} > {double(estimator.guard)}"
    alone = [sheet.define(f"if({guarded}, 0D, {sql})", found.level) for sql in found.explained]
    raised = [inputs.columns[i] for i in estimator.flags_]
    flags = [sheet.define(f"coalesce(nanvl({c.sql}, 0D), 0D)", c.level) for c in raised]
    score = _greatest([*alone, *flags, "0D"])
    contributions = {**_by_feature(found.sensors, alone), **_by_feature(raised, flags)}
    return Output(score, score, "distance", contributions, found.level + 1, {"left": found.left})


def _measured(estimator: Any, inputs: Inputs, sheet: Sheet) -> _Measured:
    sensors = [inputs.columns[i] for i in estimator.sensors_]
    level = depth(sensors)
    scaled = [
        sheet.define(f"coalesce(nanvl(({c.sql} - {double(m)}) / {double(s)}, 0D), 0D)", level)
        for c, m, s in zip(sensors, estimator.mean_, estimator.scale_, strict=True)
    ]
    residual = [
        sheet.define(weighted(zip(row, scaled, strict=True)), level + 1) for row in estimator.precision_
    ]
    own = np.diag(estimator.precision_) * estimator.sensor_limit_
    explained = [
        sheet.define(f"{r} * {r} / {double(d)}", level + 2) for r, d in zip(residual, own, strict=True)
    ]
    distance = sheet.define(total([f"{r} * {z}" for r, z in zip(residual, scaled, strict=True)]), level + 2)
    largest = f"{_greatest(explained)} * {double(estimator.sensor_limit_)}"
    left = f"greatest({distance} - {largest}, 0D) / {double(estimator.distance_limit_)}"
    return _Measured(sensors, explained, sheet.define(left, level + 3), level + 4)


def _greatest(terms: Sequence[str]) -> str:
    return f"greatest({', '.join(terms)})"


def _by_feature(columns: Sequence[Column], values: Sequence[str]) -> dict[str, str]:
    return {c.feature: value for c, value in zip(columns, values, strict=True) if c.feature}
