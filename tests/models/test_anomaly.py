"""The anomaly models against the simulated machines that they are for."""

import numpy as np
import numpy.typing as npt
import pytest

from ingest.fleet import classes
from ingest.fleet.fleet import Fleet
from ingest.fleet.gauges import MachineClass
from ingest.fleet.settings import FleetSettings
from models.anomaly import ANOMALY, MOTORS, TURBINES
from models.spec import ModelSpec

OF_CLASS = [(ANOMALY, classes.PUMP), (MOTORS, classes.MOTOR), (TURBINES, classes.TURBINE)]


@pytest.mark.parametrize(("spec", "machines"), OF_CLASS, ids=lambda each: each.name)
def test_a_model_takes_all_measurements_of_its_class(spec: ModelSpec, machines: MachineClass) -> None:
    assert spec.only == {"machine_class": machines.name}
    assert sorted(spec.inputs) == sorted(f"{name}_mean" for name in machines.names)


def pumps() -> npt.NDArray[np.float64]:
    """Return a day of readings of healthy pumps, moments by pumps by measurements."""
    quiet = FleetSettings(
        seed=7, machines=20, faults_per_machine_day=0, sensor_faults_per_machine_day=0, gaps_per_machine_day=0
    )
    fleet = Fleet(quiet, 1_767_225_600_000)
    chosen = [each.name == "pump" for each in fleet.classes]
    return np.array([fleet.tick().values[chosen] for _ in range(1_440)])


def test_worn_bearings_are_found_and_named_long_before_they_fail() -> None:
    values = pumps()
    normal = values[60:].reshape(-1, values.shape[2])
    fitted = ANOMALY.estimator().fit(normal)
    assert (-fitted.score_samples(normal) >= ANOMALY.threshold.of(np.empty(0), 0)).mean() < 1e-3
    effect = classes.PUMP.effect("bearing_wear")
    worn = normal + 0.4 * effect
    assert (-fitted.score_samples(worn) >= ANOMALY.threshold.of(np.empty(0), 0)).mean() > 0.99
    # Sensors that usually move together share the blame: the moved ones come first, not the most moved one.
    strongest = np.argsort(-fitted.contributions(worn), axis=1)[:, :2]
    assert (effect[strongest[:, 0]] != 0).mean() > 0.99
    assert (strongest == classes.PUMP.names.index("vibration_de")).any(axis=1).mean() > 0.9
