"""An estimator's own scores, by scikit-learn: of rows in a frame, and of the Arrow batches of the Python lane."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from models.by_python import Task
from processing.keeping import restored

Scores = npt.NDArray[np.float64]


def own_scores(estimator: Any, features: pd.DataFrame) -> Scores:
    """Return the estimator's own scores: a probability, how strange a detector finds it, or a prediction."""
    if hasattr(estimator, "predict_proba"):
        scores = estimator.predict_proba(features)[:, 1]
    elif hasattr(estimator, "score_samples"):
        scores = -estimator.score_samples(features)
    else:
        scores = estimator.predict(features)
    return np.asarray(scores, dtype=np.float64)


def scorer(tasks: Sequence[Task]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function that adds a column of scores per task to batches of rows."""

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        estimators = [restored(task.estimator) for task in tasks]
        for batch in filter(len, batches):
            table = pa.Table.from_batches([batch])
            for task, estimator in zip(tasks, estimators, strict=True):
                columns = {
                    name: batch.column(own).to_numpy(zero_copy_only=False)
                    for name, own in task.features.items()
                }
                scores = own_scores(estimator, pd.DataFrame(columns, dtype="float64"))
                table = table.append_column(task.column, pa.array(scores, pa.float64()))
            yield from table.to_batches()

    return scored
