"""Runs to failure: the features of machines beside the hours that they had left, and machines set apart for a test."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import SparkSession

from models.labels import lives
from models.life_evaluation import Lives
from models.spec import ModelSpec
from processing.errors import RefuseTrainingError
from processing.labelled import labelled

Flags = npt.NDArray[np.bool_]

SEED: Final = 0
"""Of the order in which machines are dealt out."""

HORIZON_HOURS: Final = 150.0
"""Readings further from failure are not judged: how far it is, nobody can tell by then."""

WARM_READINGS: Final = 30
"""Nor are the first readings of a machine."""


def with_lives(spark: SparkSession, spec: ModelSpec, history: Path) -> pd.DataFrame:
    """Return one row per reading with `life`, the hours until the last reading of its machine; see `labelled`."""
    rows = labelled(spark, spec.plan(), history)
    machine = rows[spec.event.key_field].to_numpy(dtype=object)
    return rows.assign(life=lives(machine, rows.event_time.to_numpy(np.int64)))


def dealt(spec: ModelSpec, rows: pd.DataFrame, parts: int) -> pd.Series:
    """Return the part that each row's machine falls into: 0 to parts - 1, of about the same number of machines.

    Raises
    ------
    RefuseTrainingError
        When there are fewer machines than twice the parts.
    """
    names = sorted(rows[spec.event.key_field].unique())
    if len(names) < 2 * parts:
        raise RefuseTrainingError(
            f"{len(names)} machines are too few for {parts} parts: give the runs of at least {2 * parts}"
        )
    order = np.random.default_rng(SEED).permutation(len(names))
    part = {names[place]: n % parts for n, place in enumerate(order)}
    found: pd.Series = rows[spec.event.key_field].map(part)
    return found


def said(spec: ModelSpec, rows: pd.DataFrame, values: pd.DataFrame) -> Lives:
    """Return rows and what a model said of them; its score is the estimate where it has no output of that name."""
    missing = np.full(len(rows), np.nan)
    names = [name for name in ("score", "estimate", "lower", "upper") if name in values]
    columns = {name: values[name].to_numpy(np.float64) for name in names}
    return Lives(
        machine=rows[spec.event.key_field].to_numpy(dtype=object),
        life=rows.life.to_numpy(np.float64),
        estimate=columns.get("estimate", columns["score"]),
        lower=columns.get("lower", missing),
        upper=columns.get("upper", missing),
    )


def judged(told: Lives, *, horizon_hours: float = HORIZON_HOURS, warm: int = WARM_READINGS) -> Flags:
    """Return which readings are judged; readings of a machine are in order of time.

    Raises
    ------
    RefuseTrainingError
        When none is.
    """
    number = pd.Series(told.machine).groupby(told.machine).cumcount().to_numpy()
    chosen: Flags = (told.life <= horizon_hours) & (number >= warm)
    if not chosen.any():
        raise RefuseTrainingError(
            f"no machine has a reading after its first {warm} that lies {horizon_hours:g} h before its last or less"
        )
    return chosen
