import numpy as np
import pandas as pd
import pytest

from models.consistency import MachineMonitor, SensorMonitor
from models.estimators import compile_estimator

NAMES = ["load", "power", "current", "flow", "heat"]
BAD = "heat_is_bad"


def normal(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return rows in which all sensors follow the load."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(0.3, 1, rows)
    table = pd.DataFrame({name: (n + 1) * load + rng.normal(0, 0.02, rows) for n, name in enumerate(NAMES)})
    return table.assign(**{BAD: 0.0})


MACHINE = MachineMonitor(0.001).fit(normal(5_000))
SENSOR = SensorMonitor(0.001, flags=(BAD,)).fit(normal(5_000))


def scores(rows: pd.DataFrame) -> tuple[list[float], list[float]]:
    return (-MACHINE.score_samples(rows)).tolist(), (-SENSOR.score_samples(rows)).tolist()


def test_in_normal_operation_hardly_a_row_exceeds_a_limit() -> None:
    machine, sensor = scores(normal(5_000, seed=1))
    assert np.mean(np.array(machine) > 1) < 0.005
    assert np.mean(np.array(sensor) > 1) < 0.005


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [0.1, 1.8, 10.0])
def test_a_wrong_scale_is_the_sensors_fault_not_the_machines(name: str, factor: float) -> None:
    rows = normal(50, seed=2)
    machine, sensor = scores(rows.assign(**{name: rows[name] * factor}))
    assert max(machine) < 1
    assert min(sensor) > 1


def test_what_shows_in_several_sensors_is_the_machines_fault() -> None:
    rows = normal(50, seed=3)
    machine, sensor = scores(rows.assign(heat=rows.heat + 2, flow=rows.flow - 1.5))
    assert min(machine) > 1.5
    assert max(sensor) == 0


def test_a_missing_sensor_is_nobodys_fault_unless_it_is_flagged() -> None:
    rows = normal(50, seed=4).assign(heat=np.nan)
    machine, _ = scores(rows)
    assert max(machine) < 1
    assert min(scores(rows.assign(**{BAD: 1.0}))[1]) >= 1


def test_where_nothing_is_known_nothing_is_strange() -> None:
    rows = pd.DataFrame(np.nan, index=[0], columns=[*NAMES, BAD])
    assert scores(rows) == ([0.0], [0.0])


def test_reasons_are_sensors_and_flags() -> None:
    compiled = compile_estimator(SENSOR, [*NAMES, BAD])
    assert list(compiled.contributions) == [*NAMES, BAD]
    assert list(compile_estimator(MACHINE, [*NAMES, BAD]).contributions) == NAMES


def test_what_can_not_be_learned_is_refused() -> None:
    with pytest.raises(ValueError, match="flags colour are no features; they are load"):
        SensorMonitor(flags=("colour",)).fit(normal(100))
    with pytest.raises(ValueError, match="alpha lies between"):
        MachineMonitor(2.0).fit(normal(100))
    with pytest.raises(ValueError, match="2 sensors that vary"):
        MachineMonitor().fit(normal(100)[["load", "heat", BAD]])
