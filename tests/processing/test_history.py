from pathlib import Path

import pytest
from fraud_world import world
from pyspark.sql import SparkSession

from models.events import Label, Transaction
from models.fraud import FRAUD
from models.reference import by_definition
from processing.history import read_history, verdicts, write_history
from processing.stages import featurise, history_stage

pytestmark = pytest.mark.spark


def test_history_equals_the_definition(spark: SparkSession, tmp_path: Path) -> None:
    arrived, plan = world(1, 800, days=400), FRAUD.plan()
    assert write_history(arrived, Transaction, tmp_path / "h.parquet") == len(arrived)
    rows = featurise(read_history(spark, tmp_path / "h.parquet"), plan, history_stage).collect()
    expected = by_definition(Transaction, FRAUD.features, arrived)
    assert {r.event_id for r in rows} == set(expected)
    for row in rows:
        actual = {name: row[name] for name in plan.features}
        assert actual == pytest.approx(expected[row.event_id], rel=1e-9, abs=1e-9)


def test_verdicts_are_the_labels(tmp_path: Path) -> None:
    arrived = world(2, 50, days=20)
    write_history(arrived, Transaction, tmp_path / "h.parquet")
    found = verdicts(tmp_path / "h.parquet")
    assert set(found.itertuples(index=False, name=None)) == {
        (e.transaction_id, e.fraud, e.event_time) for e in arrived if isinstance(e, Label)
    }
