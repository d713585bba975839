"""The anomaly models: sensors of a class of machines that leave each other, or go together further than usual.

Train them on normal operation of the machines that they will watch: what they have seen is what they take for
usual, and machines of one class are not alike.
"""

from collections.abc import Sequence
from typing import Final

from models.events import Reading
from models.expressions import measurement
from models.features import Entity, Feature, row
from models.monitoring import ProcessMonitor
from models.spec import FixedThreshold, ModelSpec

MINUTE: Final = 60_000

DRIVE: Final = (
    *("load", "voltage", "vibration_de", "vibration_nde", "vibration_axial", "bearing_temp_de"),
    *(
        "bearing_temp_nde",
        "winding_temp",
        "ambient_temp",
        "oil_temp",
        "oil_pressure",
        "noise",
        "speed",
        "power",
    ),
)
"""Measurements of every class."""

PUMP: Final = (
    *DRIVE,
    *("current", "flow", "inlet_pressure", "outlet_pressure", "seal_temp", "seal_pressure"),
)
MOTOR: Final = (
    *DRIVE,
    *("current", "torque", "power_factor", "phase_unbalance", "insulation", "cooling_air_temp"),
)
TURBINE: Final = (
    *DRIVE,
    *("exhaust_temp", "inlet_temp", "compressor_pressure", "fuel_flow", "axial_position", "seal_pressure"),
)

machine = Entity("machine")


def smoothed(measurements: Sequence[str], *, half_life_ms: int) -> list[Feature]:
    """Return the decayed mean of each measurement, which finds small changes that last.

    Parameters
    ----------
    measurements
        Their names.
    half_life_ms
        Of the mean, milliseconds. A longer one finds smaller changes, later, and needs more normal operation to
        learn what is usual: neighbouring means are nearly the same.
    """
    return [
        machine.mean(f"{name}_mean", measurement(name), half_life_ms=half_life_ms) for name in measurements
    ]


def watched(measurements: Sequence[str], *, half_life_ms: int) -> list[Feature]:
    """Return each measurement as it is, which finds sudden changes, and its decayed mean; see `smoothed`."""
    now = [row(name, measurement(name)) for name in measurements]
    return [*now, *smoothed(measurements, half_life_ms=half_life_ms)]


def anomaly_of(machine_class: str, name: str, measurements: Sequence[str]) -> ModelSpec:
    """Return the anomaly model of a class of machines; alerts start half above the limit that normal readings keep to."""
    return ModelSpec(
        name=name,
        version="1",
        event=Reading,
        only={"machine_class": machine_class},
        features=smoothed(measurements, half_life_ms=5 * MINUTE),
        estimator=lambda: ProcessMonitor(0.95, alpha=1e-4),
        threshold=FixedThreshold(1.5),
    )


ANOMALY: Final = anomaly_of("pump", "anomaly", PUMP)
MOTORS: Final = anomaly_of("motor", "anomaly-motors", MOTOR)
TURBINES: Final = anomaly_of("turbine", "anomaly-turbines", TURBINE)
