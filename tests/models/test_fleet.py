"""The models of the fleet against the simulated machines that they are for."""

import numpy as np
import pandas as pd
import pytest

from ingest.fleet import classes
from ingest.fleet.fleet import Fleet
from ingest.fleet.gauges import MachineClass
from ingest.fleet.settings import FleetSettings
from models.consistency import MachineMonitor, SensorMonitor
from models.fleet import MOTOR_ANOMALY, PUMP_ANOMALY, PUMP_SENSORS, SENSORS, TURBINE_ANOMALY
from models.spec import ModelSpec

OF_CLASS = [
    (PUMP_ANOMALY, classes.PUMP),
    (MOTOR_ANOMALY, classes.MOTOR),
    (TURBINE_ANOMALY, classes.TURBINE),
]
NAMES = list(classes.PUMP.names)


def pumps(seed: int) -> pd.DataFrame:
    """Return readings of healthy pumps."""
    quiet = FleetSettings(
        seed=seed,
        machines=120,
        every_s=600,
        faults_per_machine_day=0,
        sensor_faults_per_machine_day=0,
        gaps_per_machine_day=0,
    )
    fleet = Fleet(quiet, 1_767_225_600_000)
    chosen = [each.name == "pump" for each in fleet.classes]
    ticks = [fleet.tick().values[chosen] for _ in range(150)]  # noqa: PD011 - a tick is no table
    return pd.DataFrame(np.concatenate(ticks), columns=NAMES)


MACHINE = MachineMonitor().fit(pumps(1))
SENSOR = SensorMonitor().fit(pumps(1))


@pytest.mark.parametrize(("spec", "machines"), OF_CLASS, ids=lambda each: each.name)
def test_a_model_takes_all_measurements_of_its_class(spec: ModelSpec, machines: MachineClass) -> None:
    assert spec.only == {"machine_class": machines.name}
    assert tuple(spec.inputs) == machines.names
    known = {s.name: (s.low, s.high) for s in SENSORS[machines.name]}
    assert known == {gauge.name: (gauge.low, gauge.high) for gauge in machines.gauges}


def test_a_model_of_sensors_takes_what_is_known_to_be_bad_too() -> None:
    assert PUMP_SENSORS.inputs == [*NAMES, *(f"{name}_is_bad" for name in NAMES), "clock_is_behind"]


@pytest.mark.parametrize("kind", classes.PUMP.effects)
def test_a_grown_fault_is_the_machines_and_no_sensors(kind: str) -> None:
    faulty = pumps(2) + 0.8 * classes.PUMP.effect(kind)
    assert (-MACHINE.score_samples(faulty) >= 1).mean() > 0.9
    assert (-SENSOR.score_samples(faulty) >= 1).mean() < 0.1


@pytest.mark.parametrize("name", ["vibration_de", "flow", "oil_pressure", "power"])
def test_a_sensor_with_a_wrong_scale_is_no_faulty_machine(name: str) -> None:
    rows = pumps(2)
    wrong = rows.assign(**{name: rows[name] * 0.1})
    assert (-MACHINE.score_samples(wrong) >= 1).mean() < 0.01
    assert (-SENSOR.score_samples(wrong) >= 1).mean() > 0.95
