from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor

from models.remaining_life import RemainingLife

CAP = 60.0


def machines(seed: int, number: int) -> tuple[Any, Any, Any]:
    """Return features, lives and names: wear shows in one feature, with noise of the machine and of the reading."""
    rng = np.random.default_rng(seed)
    rows, life, names = [], [], []
    for n in range(number):
        left = np.arange(rng.integers(60, 140))[::-1].astype(float)
        wear = np.exp(-left / 30) + 0.05 * rng.normal() + 0.05 * rng.normal(size=len(left))
        rows.append(np.stack([wear, rng.normal(size=len(left))], axis=1))
        life.append(left)
        names += [f"m{n}"] * len(left)
    return np.concatenate(rows), np.concatenate(life), names


def estimator(**options: Any) -> RemainingLife:
    base = HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=6, early_stopping=False, random_state=0)
    return RemainingLife(base, **{"cap_hours": CAP, **options})


@pytest.fixture(scope="module")
def fitted() -> RemainingLife:
    rows, life, names = machines(1, 30)
    return estimator().fit(rows, life, groups=names)


def test_the_interval_holds_as_often_as_promised_on_new_machines(fitted: RemainingLife) -> None:
    rows, life, _ = machines(2, 40)
    told = fitted.outputs(rows)
    near = life <= CAP
    inside = (life >= told["lower"]) & (life <= told["upper"])
    assert 0.85 <= inside[near].mean() <= 0.97
    worn = life < 20
    assert np.abs(told["estimate"] - life)[worn].mean() < 10


def test_the_values_are_in_order_and_the_prediction_is_the_lower_bound(fitted: RemainingLife) -> None:
    rows, _, _ = machines(3, 10)
    told = fitted.outputs(np.where(np.random.default_rng(0).random(rows.shape) < 0.2, np.nan, rows))
    assert (told["lower"] >= 0).all()
    assert (told["lower"] <= told["estimate"]).all()
    assert (told["estimate"] <= np.minimum(told["upper"], CAP)).all()
    assert fitted.predict(rows).tolist() == fitted.outputs(rows)["lower"].tolist()


def test_an_uncapped_life_still_widens_the_upper_bound(fitted: RemainingLife) -> None:
    rows, life, _ = machines(2, 40)
    assert fitted.outputs(rows[life > CAP])["upper"].mean() > CAP


def test_few_readings_of_a_healthy_machine_are_learned_from_evenly_spread() -> None:
    life, machine = np.concatenate([np.arange(200.0), np.arange(70.0)]), np.repeat([0, 1], [200, 70])
    kept = estimator(healthy=30)._kept(life, machine)
    assert kept[life <= CAP].all()
    assert kept[machine == 1].all()
    far = life[(machine == 0) & (life > CAP) & kept]
    assert (len(far), far.min(), far.max()) == (30, CAP + 1, 199)
    assert np.ptp(np.diff(far)) <= 1


def test_it_can_be_cloned() -> None:
    assert clone(estimator(healthy=7)).healthy == 7


@pytest.mark.parametrize("options", [{"cap_hours": 0}, {"healthy": 0}, {"coverage": 1}, {"folds": 1}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    rows, life, names = machines(1, 6)
    with pytest.raises(ValueError, match=next(iter(options))):
        estimator(**options).fit(rows, life, groups=names)


def test_fewer_machines_than_folds_are_refused() -> None:
    rows, life, names = machines(1, 4)
    with pytest.raises(ValueError, match="4 machines are too few for 5 folds"):
        estimator().fit(rows, life, groups=names)
