"""The maintenance model: the hours that a turbofan engine has left, with an interval; C-MAPSS's sensors, a flight an hour.

Wear moves many sensors a little, faster towards the end. Where a sensor stands (its mean over half a day) says
little, as engines differ from new on; how fast it moves, lately and over days, says how far the wear is.
"""

from collections.abc import Sequence
from typing import Final

from sklearn.ensemble import HistGradientBoostingRegressor

from models.events import Reading
from models.expressions import measurement
from models.features import Entity, Feature
from models.labels import RunToFailure
from models.remaining_life import RemainingLife
from models.spec import AlertBelow, ModelSpec

HOUR: Final = 3_600_000

LATELY: Final = 12 * HOUR
LONG: Final = 68 * HOUR
"""Slopes of less than 12 h are noise; a window of eight times 68 h holds the life of most engines."""

CAP_HOURS: Final = 128.0
"""Engines that last longer look alike."""

LEAD_HOURS: Final = 24.0
"""An engine that may last no longer than this is an alert: the time that a repair has to be planned in."""

SENSORS: Final = (
    "s2",
    "s3",
    "s4",
    "s6",
    "s7",
    "s8",
    "s9",
    "s10",
    "s11",
    "s12",
    "s13",
    "s14",
    "s15",
    "s17",
    "s20",
    "s21",
)
"""Those of the 21 sensors that move with wear in one operating condition, whatever the fault."""  # fmt: skip


def wear(measurements: Sequence[str], *, lately_ms: int, long_ms: int) -> list[Feature]:
    """Return the features that tell wear: where each measurement stands, how fast it moves, and for how long the machine has run.

    Parameters
    ----------
    lately_ms, long_ms
        Half-lives of the short and the long slope, milliseconds; the long one at most six times the short.
    """
    machine = Entity("machine")
    features = [machine.count("readings", half_life_ms=long_ms)]
    for name in measurements:
        value = measurement(name)
        features += [
            machine.mean(f"{name}_mean", value, half_life_ms=lately_ms),
            machine.slope(f"{name}_slope", value, half_life_ms=lately_ms),
            machine.slope(f"{name}_trend", value, half_life_ms=long_ms),
        ]
    return features


MAINTENANCE: Final = ModelSpec(
    name="maintenance",
    version="1",
    event=Reading,
    features=wear(SENSORS, lately_ms=LATELY, long_ms=LONG),
    # Small leaves would learn single engines by heart; a third of the features a split keeps all sensors in play.
    estimator=lambda: RemainingLife(
        HistGradientBoostingRegressor(
            max_iter=150,
            learning_rate=0.05,
            max_leaf_nodes=16,
            min_samples_leaf=40,
            l2_regularization=5.0,
            max_features=0.3,
            early_stopping=False,
            random_state=0,
        ),
        cap_hours=CAP_HOURS,
    ),
    threshold=AlertBelow(LEAD_HOURS),
    label=RunToFailure(),
)
