"""Models of pumps, motors and turbines: per class of machine one for its faults, and one for those of its sensors.

Both look at the same means of the last minutes while a machine runs. What no single sensor explains is a fault of
the machine; what one sensor explains alone, what is missing, stuck or out of range, and a clock that is behind are
faults of the data, and no machine is slowed down for them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from models.consistency import MachineMonitor, SensorMonitor
from models.events import Reading
from models.expressions import coalesce, feature, measurement, where
from models.features import Entity, Feature, helper, row
from models.spec import FixedThreshold, ModelSpec
from models.trust import Gate, Sensor

MINUTE: Final = 60_000

ON_SPEED: Final = 100.0
ON_POWER: Final = 5.0
"""A machine turns so fast, in revolutions a minute, or takes or gives so many kW: else it stands."""

SETTLED: Final = 0.95
"""Decayed share of the readings in which a machine ran, from which it has warmed up."""

CLOCK_S: Final = 120.0
"""A machine's clock that is so far behind is an alert, seconds."""

DRIVE: Final = (
    Sensor("load", 0, 150),
    Sensor("voltage", 340, 460),
    Sensor("vibration_de", 0, 30),
    Sensor("vibration_nde", 0, 30),
    Sensor("vibration_axial", 0, 30),
    Sensor("bearing_temp_de", -40, 160),
    Sensor("bearing_temp_nde", -40, 160),
    Sensor("winding_temp", -40, 220),
    Sensor("ambient_temp", -40, 60),
    Sensor("oil_temp", -40, 140),
    Sensor("oil_pressure", 0, 10),
    Sensor("noise", 20, 140),
)
"""What every machine has."""

SENSORS: Final[dict[str, tuple[Sensor, ...]]] = {
    "pump": (
        *DRIVE,
        Sensor("speed", 0, 2_000),
        Sensor("power", 0, 250),
        Sensor("current", 0, 400),
        Sensor("flow", 0, 600),
        Sensor("inlet_pressure", -1, 10),
        Sensor("outlet_pressure", 0, 25),
        Sensor("seal_temp", -40, 160),
        Sensor("seal_pressure", 0, 15),
    ),
    "motor": (
        *DRIVE,
        Sensor("speed", 0, 2_000),
        Sensor("power", 0, 250),
        Sensor("current", 0, 500),
        Sensor("torque", 0, 2_000),
        Sensor("power_factor", 0, 1),
        Sensor("phase_unbalance", 0, 20),
        Sensor("insulation", 0, 2_000),
        Sensor("cooling_air_temp", -40, 120),
    ),
    "turbine": (
        *DRIVE,
        Sensor("speed", 0, 9_000),
        Sensor("power", 0, 2_500),
        Sensor("exhaust_temp", -40, 800),
        Sensor("inlet_temp", -40, 80),
        Sensor("compressor_pressure", 0, 30),
        Sensor("fuel_flow", 0, 800),
        Sensor("axial_position", -2, 2),
        Sensor("seal_pressure", 0, 15),
    ),
}
"""Sensors and their ranges by class of machine, in the units of the machine register."""

machine = Entity("machine")


def means(sensors: Sequence[Sensor]) -> tuple[Gate, list[Feature]]:
    """Return the gate of these sensors and their means of the last minutes: null while the machine does not run, or where not believed."""
    gate = Gate(machine, sensors, stuck_ms=15 * MINUTE)
    on = (coalesce(measurement("speed"), 0.0) > ON_SPEED) | (coalesce(measurement("power"), 0.0) > ON_POWER)
    running = helper(machine.mean("running", on, half_life_ms=20 * MINUTE))
    found = [*gate.features(), running]
    for sensor in sensors:
        name = f"{sensor.name}_mean"
        usable = (feature("running") > SETTLED) & (gate.bad(sensor.name) == 0)
        found += [
            helper(machine.mean(name, gate.in_range(sensor.name), half_life_ms=5 * MINUTE)),
            row(sensor.name, where(usable, feature(name), None)),
        ]
    return gate, found


def anomaly(machine_class: str) -> ModelSpec:
    """Return the model that finds faulty machines of a class."""
    _, features = means(SENSORS[machine_class])
    return _model("anomaly", machine_class, features, MachineMonitor, FixedThreshold(1.0))


def sensors(machine_class: str) -> ModelSpec:
    """Return the model that finds faulty sensors and clocks of the machines of a class."""
    gate, features = means(SENSORS[machine_class])
    flags = [row(f"{s.name}_is_bad", gate.bad(s.name)) for s in gate.sensors]
    late = helper(machine.behind("behind"))
    clock = row("clock_is_behind", feature("behind") / CLOCK_S)
    names = tuple(flag.name for flag in (*flags, clock))
    return _model(
        "sensors",
        machine_class,
        [*features, late, *flags, clock],
        lambda: SensorMonitor(flags=names),
        FixedThreshold(1.0),
    )


def _model(
    name: str,
    machine_class: str,
    features: Sequence[Feature],
    estimator: Callable[[], Any],
    threshold: FixedThreshold,
) -> ModelSpec:
    return ModelSpec(
        name=f"{name}-{machine_class}",
        version="1",
        event=Reading,
        features=features,
        estimator=estimator,
        threshold=threshold,
        only={"machine_class": machine_class},
    )


PUMP_ANOMALY: Final = anomaly("pump")
PUMP_SENSORS: Final = sensors("pump")
MOTOR_ANOMALY: Final = anomaly("motor")
MOTOR_SENSORS: Final = sensors("motor")
TURBINE_ANOMALY: Final = anomaly("turbine")
TURBINE_SENSORS: Final = sensors("turbine")
