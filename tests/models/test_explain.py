from dataclasses import replace

from models.events import Transaction
from models.explain import explain
from models.expressions import feature, field, log
from models.features import Entity, row
from models.fraud import FRAUD
from models.spec import FixedThreshold, ModelSpec

DAY = 86_400_000
card = Entity("card")


def model(*features: object) -> ModelSpec:
    return ModelSpec("m", "1", Transaction, features, object, FixedThreshold(1))  # type: ignore[arg-type] # features


def test_every_feature_has_its_sql_and_what_may_be_null_is_said() -> None:
    told = explain(
        model(card.count("n", half_life_ms=DAY), row("a", log(feature("n"))), row("b", field("amount")))
    )
    assert [(f.name, f.nullable) for f in told.features] == [("n", False), ("a", True), ("b", False)]
    assert all(f.sql for f in told.features)


def test_state_grows_with_what_is_kept() -> None:
    few = explain(model(card.recent(2).since("s"))).stages[0]
    many = explain(model(card.recent(20).since("s"))).stages[0]
    sketch = explain(model(card.distinct("d", field("terminal", "text")))).stages[0]
    assert many.accumulator_bytes > 5 * few.accumulator_bytes
    assert sketch.accumulator_bytes > 1000
    assert explain(FRAUD).state_bytes > 0


def test_what_is_kept_of_each_event_is_said_where_each_counts_once() -> None:
    often = explain(FRAUD)
    once = explain(replace(FRAUD, once=True))
    assert often.id_bytes is None
    assert once.id_bytes is not None
    assert once.stages[0].carried_bytes < once.id_bytes < 2 * once.stages[0].carried_bytes
    assert once.state_bytes == often.state_bytes
