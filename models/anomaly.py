"""The anomaly model: sensors of a class of machines that leave each other, or go together further than usual.

Train it on normal operation: what it has seen is what it takes for usual.
"""

from collections.abc import Sequence
from typing import Final

from models.events import Reading
from models.expressions import measurement
from models.features import Entity, Feature, row
from models.monitoring import ProcessMonitor
from models.spec import FixedThreshold, ModelSpec

MINUTE: Final = 60_000

PUMP: Final = (
    "load",
    "voltage",
    "vibration_de",
    "vibration_nde",
    "vibration_axial",
    "bearing_temp_de",
    "bearing_temp_nde",
    "winding_temp",
    "ambient_temp",
    "oil_temp",
    "oil_pressure",
    "noise",
    "speed",
    "power",
    "current",
    "flow",
    "inlet_pressure",
    "outlet_pressure",
    "seal_temp",
    "seal_pressure",
)

machine = Entity("machine")


def watched(measurements: Sequence[str], *, half_life_ms: int) -> list[Feature]:
    """Return each measurement as it is, and its decayed mean, which finds small changes that last.

    Parameters
    ----------
    measurements
        Their names.
    half_life_ms
        Of the mean, milliseconds. A longer one finds smaller changes, later, and needs more normal operation to
        learn what is usual: neighbouring means are nearly the same.
    """
    return [
        *(row(name, measurement(name)) for name in measurements),
        *(
            machine.mean(f"{name}_mean", measurement(name), half_life_ms=half_life_ms)
            for name in measurements
        ),
    ]


ANOMALY: Final = ModelSpec(
    name="anomaly",
    version="1",
    event=Reading,
    only={"machine_class": "pump"},
    features=watched(PUMP, half_life_ms=5 * MINUTE),
    estimator=lambda: ProcessMonitor(0.95, alpha=0.001),
    threshold=FixedThreshold(1.0),
)
