import numpy as np
import pandas as pd

from models.anomaly import process

SENSORS = ["heat", "pressure", "flow", "level", "power"]
SPEC = process("kettle", SENSORS, half_life_ms=60_000, alpha=0.01)


def normal(rows: int, seed: int) -> pd.DataFrame:
    """Return rows whose sensors follow the load, and whose means lie near the values."""
    rng = np.random.default_rng(seed)
    load = rng.normal(10, 1, rows)
    values = {name: load * (n + 1) + rng.normal(0, 0.2, rows) for n, name in enumerate(SENSORS)}
    means = {f"{name}_mean": value + rng.normal(0, 0.1, rows) for name, value in values.items()}
    return pd.DataFrame(values | means)


def test_the_model_takes_each_value_and_its_mean() -> None:
    assert SPEC.inputs == [*SENSORS, *(f"{name}_mean" for name in SENSORS)]


def test_a_pressure_that_leaves_the_others_is_an_alert_and_named() -> None:
    fitted = SPEC.estimator().fit(normal(1_000, 0))
    fresh = normal(1_000, 1)
    assert (-fitted.score_samples(fresh) >= 1).mean() < 0.05
    leaking = fresh.assign(pressure=fresh.pressure - 3, pressure_mean=fresh.pressure_mean - 3)
    assert (-fitted.score_samples(leaking) >= 1).mean() > 0.99
    strongest = np.argmax(fitted.contributions(leaking), axis=1)
    assert np.isin(strongest, [1, 6]).mean() > 0.9
