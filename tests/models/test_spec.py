from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from models.errors import RefuseSpecError
from models.events import Reading, Transaction
from models.expressions import field
from models.features import Entity, row
from models.spec import FixedThreshold, LateLabel, ModelSpec


def spec(**changed: Any) -> ModelSpec:
    declared: dict[str, Any] = {
        "name": "large",
        "version": "1",
        "event": Transaction,
        "features": [row("amount", field("amount"))],
        "estimator": LogisticRegression,
        "threshold": FixedThreshold(0.5),
    }
    return ModelSpec(**{**declared, **changed})


def test_a_wrong_feature_is_refused_where_the_model_is_declared() -> None:
    with pytest.raises(RefuseSpecError, match="reads 'price'"):
        spec(features=[row("dear", field("price") > 5)])


@pytest.mark.parametrize("only", [{"amount": "5"}, {"colour": "red"}, {"terminal": 5}])
def test_only_events_with_certain_texts_can_be_asked_for(only: dict[str, Any]) -> None:
    assert spec(only={"terminal": "t1"}).plan().only == {"terminal": "t1"}
    with pytest.raises(RefuseSpecError, match="text fields are card, event_id, terminal"):
        spec(only=only)


def test_readings_have_no_labels_to_count() -> None:
    with pytest.raises(RefuseSpecError, match="counts late labels, and a reading has none"):
        spec(event=Reading, features=[Entity("machine").risk("risk", half_life_ms=60_000)])


@pytest.mark.parametrize("name", ["", "Large", "a/b", "../up", "1st"])
def test_a_name_can_be_a_folder(name: str) -> None:
    with pytest.raises(RefuseSpecError, match="name consists of"):
        spec(name=name)


@pytest.mark.parametrize("version", ["", ".", "1/2", "one two"])
def test_a_version_can_be_a_file(version: str) -> None:
    with pytest.raises(RefuseSpecError, match="version consists of"):
        spec(version=version)


def test_a_label_is_not_known_before_the_event() -> None:
    assert spec(label=LateLabel(0)).label == LateLabel(0)
    with pytest.raises(RefuseSpecError, match="delay"):
        LateLabel(-1)
