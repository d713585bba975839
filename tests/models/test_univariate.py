"""The univariate model on series whose anomalies are known; features by their definition."""

import functools
import math
import random

import numpy as np
import pandas as pd

from models.events import Reading
from models.reference import by_definition
from models.univariate import UNIVARIATE, strange, univariate

HOUR = 3_600_000
START = 1_704_067_200_000
HOURS = 240
CHANGE = 200


def scores(*values: float | None) -> list[float]:
    readings = [
        Reading(event_id=f"{i:06d}", event_time=START + i * HOUR, machine="m", measurements={"value": v})
        for i, v in enumerate(values)
    ]
    found = by_definition(Reading, UNIVARIATE.features, readings)
    rows = pd.DataFrame([found[r.event_id] for r in readings], dtype=float)[UNIVARIATE.inputs]
    detector = UNIVARIATE.estimator().fit(rows)
    return (-detector.score_samples(rows)).tolist()


@functools.cache
def daily() -> tuple[float, ...]:
    noise = random.Random(1)
    return tuple(50 + 10 * math.sin(i / 24 * 2 * math.pi) + noise.gauss(0, 1) for i in range(HOURS))


def test_a_daily_rhythm_is_calm_and_a_jump_is_told_when_it_begins() -> None:
    values = [v + (40 if i >= CHANGE else 0) for i, v in enumerate(daily())]
    found = np.array(scores(*values))
    told = np.flatnonzero(found >= 1)
    assert 0 <= told[told >= 72][0] - CHANGE <= 2
    assert len(told[told >= CHANGE]) <= 3


def test_a_metric_that_falls_still_is_told() -> None:
    values = [daily()[CHANGE] if i >= CHANGE else v for i, v in enumerate(daily())]
    told = np.flatnonzero(np.array(scores(*values)) >= 1)
    assert 0 < told[told >= 72][0] - CHANGE <= 24


def test_a_constant_and_a_missing_metric_are_never_strange() -> None:
    assert max(scores(*[7.25] * 60)) < 1e-6
    assert max(scores(*[None] * 60)) == 0.0


def test_gaps_in_the_values_are_no_anomaly() -> None:
    values = [None if i % 7 == 3 or 150 <= i < 156 else v for i, v in enumerate(daily())]
    assert max(scores(*values)[72:]) < 1


def test_the_strangest_of_the_three_is_the_score() -> None:
    rows = pd.DataFrame([dict(zip(strange, (0.2, 1.5, 0.4), strict=True))])
    assert list(rows.columns) == UNIVARIATE.inputs
    assert UNIVARIATE.estimator().fit(rows).score_samples(rows).tolist() == [-1.5]


def test_any_measurement_can_be_watched() -> None:
    spec = univariate("XMEAS(9)", name="reactor-temperature")
    assert "XMEAS(9)" in " ".join(spec.plan().inputs.values())
    assert spec.inputs == UNIVARIATE.inputs
