import dataclasses

import pytest

from models.errors import RefuseSpecError
from models.events import Transaction
from models.expressions import day_of_week, field
from models.features import Entity, Feature, row
from models.fraud import FRAUD
from models.plan import compile_plan
from models.spec import AlertShare

HOUR = 3_600_000

card = Entity("card")


def test_the_first_stage_is_keyed_as_the_topic_is() -> None:
    plan = compile_plan(Transaction, [Entity("terminal").count("n", half_life_ms=HOUR)])
    assert [stage.key for stage in plan.stages] == ["card", "terminal"]


def test_equal_accumulators_are_kept_once() -> None:
    features = [card.count("n", half_life_ms=HOUR), card.mean("m", field("amount"), half_life_ms=HOUR)]
    plan = compile_plan(Transaction, features)
    assert len(plan.stages[0].accumulators) == 2
    assert len(plan.weights) == 1


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([row("a", field("amount")), row("a", field("amount"))], "two features are named 'a'"),
        ([row("a", field("price"))], "reads 'price'; the event has amount, card"),
        (
            [Entity("shop").count("n", half_life_ms=HOUR)],
            "reads 'shop' as its key; the event's keys are card, event_id, terminal",
        ),
        ([row("amount", field("amount") * 2)], "has the name of an event field"),
    ],
)
def test_a_wrong_spec_is_refused_by_name(features: list[Feature], message: str) -> None:
    with pytest.raises(RefuseSpecError, match=message):
        compile_plan(Transaction, features)


def test_text_is_no_number() -> None:
    with pytest.raises(RefuseSpecError, match="text"):
        field("terminal", "text") + 1


def test_a_half_life_is_positive() -> None:
    with pytest.raises(RefuseSpecError, match="above 0"):
        card.count("n", half_life_ms=0)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_an_alert_share_is_a_share(share: float) -> None:
    with pytest.raises(RefuseSpecError, match="between 0 and 1"):
        AlertShare(share)


def test_comparisons_are_booleans_and_count_as_numbers() -> None:
    late = day_of_week() >= 5
    assert late.kind == "boolean"
    assert late.as_number().kind == "number"


def test_the_fraud_model_compiles() -> None:
    plan = FRAUD.plan()
    assert plan.features == [f.name for f in FRAUD.features]
    with pytest.raises(dataclasses.FrozenInstanceError):
        FRAUD.name = "other"  # type: ignore[misc]
