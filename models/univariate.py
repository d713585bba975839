"""The univariate model: any single metric, without training. It compares the last hours with the last days.

Three things are watched, each against its own usual of the last days: the level, less what the time of day
explains; the spread around it, which also says when a metric falls still; and how unrestful single values are.
What was told lately is told again only when it is stranger still. It works from the first day on (though it tells
more in the first two days, while little is usual yet), at any interval up to an hour.
"""

import math
from typing import Final

from models.events import Reading
from models.expressions import (
    Expression,
    absolute,
    coalesce,
    cosine,
    feature,
    hour_of_day,
    is_null,
    log,
    measurement,
    sine,
    where,
)
from models.features import Entity, Feature, helper, row
from models.largest import Largest
from models.spec import FixedThreshold, ModelSpec

HOUR: Final = 3_600_000
NOW: Final = 4 * HOUR
USUAL: Final = 72 * HOUR
TOLD: Final = HOUR * 3 // 2
"""Half-lives: of the last hours, of what is usual, and of what was told lately."""

LEVEL: Final = 2.7
SPREAD: Final = 2.1
UNREST: Final = 1.15
"""So many deviations from the usual are told, calibrated on the Numenta Anomaly Benchmark (`benchmarks.nab`)."""

FLOOR: Final = 0.02
"""Changes within this share of the usual deviation are none."""

ROUNDING: Final = 1e-6
"""A deviation within this share of the usual value is none: sums of squares round."""

JITTER: Final = 0.05
"""The logarithms of spread and unrest vary by so much anyway."""

machine = Entity("machine")
angle = hour_of_day() * (2 * math.pi / 24)
usual, deviation = feature("usual"), feature("deviation")
varies = deviation > absolute(usual) * ROUNDING


def _swing(wave: str) -> Expression:
    """Return how far the metric swings with this wave: twice their covariance, as a wave's mean square is a half."""
    return (feature(f"value_{wave}") - usual * feature(f"usual_{wave}")) * 2.0


def _compared(name: str, now: Expression, jitter: Expression | float) -> list[Feature]:
    """Return how many of its own deviations the feature `name` lies from its mean."""
    distance = (now - feature(f"{name}_mean")) / (feature(f"{name}_deviation") + jitter)
    return [
        machine.mean(f"{name}_mean", feature(name), half_life_ms=USUAL),
        machine.deviation(f"{name}_deviation", feature(name), half_life_ms=USUAL),
        row(f"{name}_distance", coalesce(distance, 0.0)),
    ]


strange = {
    "level_strange": absolute(feature("level_distance")) / LEVEL,
    "spread_strange": absolute(feature("spread_distance")) / SPREAD,
    "unrest_strange": feature("oddity_distance") / UNREST,
}
is_strange = (
    (strange["level_strange"] >= 1) | (strange["spread_strange"] >= 1) | (strange["unrest_strange"] >= 1)
)


def univariate(metric: str, *, name: str) -> ModelSpec:
    """Return the model of one measurement; scores at or above 1 are told.

    Parameters
    ----------
    metric
        The measurement's name.
    name
        The model's name.
    """
    told_again = feature("told") - is_strange.as_number() + 1.0
    return ModelSpec(
        name=name,
        version="1",
        event=Reading,
        features=[
            *map(helper, _watched(measurement(metric))),
            *(row(name, much / told_again) for name, much in strange.items()),
        ],
        estimator=Largest,
        threshold=FixedThreshold(1.0),
    )


def _watched(value: Expression) -> list[Feature]:
    # Both waves are averaged over the readings that have a value, as the value is.
    east, north = (where(~is_null(value), wave, None) for wave in (cosine(angle), sine(angle)))
    away = where(varies, absolute(value - usual) / deviation, 0.0)
    return [
        # The metric now and usually, and its swing with the time of day.
        machine.mean("now", value, half_life_ms=NOW),
        machine.deviation("now_deviation", value, half_life_ms=NOW),
        machine.mean("usual", value, half_life_ms=USUAL),
        machine.deviation("deviation", value, half_life_ms=USUAL),
        machine.mean("now_east", east, half_life_ms=NOW),
        machine.mean("now_north", north, half_life_ms=NOW),
        machine.mean("usual_east", east, half_life_ms=USUAL),
        machine.mean("usual_north", north, half_life_ms=USUAL),
        machine.mean("value_east", value * east, half_life_ms=USUAL),
        machine.mean("value_north", value * north, half_life_ms=USUAL),
        # What is watched, and how it compares with itself.
        row(
            "level",
            feature("now")
            - usual
            - _swing("east") * feature("now_east")
            - _swing("north") * feature("now_north"),
        ),
        row("spread", where(varies, log(feature("now_deviation") + deviation * FLOOR), None)),
        row("oddity", where(~is_null(value), log(away + 1.0), None)),
        machine.mean("unrest", feature("oddity"), half_life_ms=NOW),
        *_compared("level", feature("level"), deviation * FLOOR + absolute(usual) * ROUNDING),
        *_compared("spread", feature("spread"), JITTER),
        *_compared("oddity", feature("unrest"), JITTER),
        # An anomaly is told when it begins.
        machine.sum("told", is_strange, half_life_ms=TOLD),
    ]


UNIVARIATE: Final = univariate("value", name="univariate")
