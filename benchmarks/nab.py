"""The univariate model on the Numenta Anomaly Benchmark v1.1: `python -m benchmarks.nab`.

All 58 series are sent to a Kafka of their own, in the order in which their readings would arrive, and scored by the
real-time query; `--history` scores them by the same SQL over a file instead, in less time. One threshold over the
corpus is chosen as NAB chooses it; the table is of the standard profile. Needs ../shared/data/nab.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.nab_corpus import Series, arriving, event_id, read_corpus
from benchmarks.nab_scoring import PROBATION, PROFILES, Floats, Worth, countable, normalised, sweep, worth
from benchmarks.streamed import streamed
from infra.embedded.java import java_binary
from models.artifact import Artifact
from models.events import Event, Reading
from models.univariate import UNIVARIATE
from processing.anomaly_backtest import scored
from processing.history import write_history
from processing.training import train

ARCHIVE: Final = Path("../shared/data/nab/nab_v1.1_data_labels.tar.zst")
STANDARD: Final = PROFILES["standard"]


def main() -> None:
    """Score the corpus and print NAB's figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nab", description=__doc__)
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    parser.add_argument("--history", action="store_true", help="score over a file, without Kafka")
    asked = parser.parse_args()
    began = time.monotonic()
    corpus = read_corpus(asked.archive)
    rows = over_history(corpus) if asked.history else through_the_stream(corpus)
    print(f"{len(rows):,} readings scored in {time.monotonic() - began:.0f} s")
    print("\n".join(lines(corpus, by_series(corpus, rows))))


def through_the_stream(corpus: Sequence[Series]) -> pd.DataFrame:
    """Return event_id and score of every row, as the scores topic has them."""
    return streamed(_artifact(corpus[0]), arriving(corpus))


def over_history(corpus: Sequence[Series]) -> pd.DataFrame:
    """Return event_id and score of every row by the same SQL over a file."""
    with tempfile.TemporaryDirectory(prefix="fastdata-nab-") as folder:
        file = Path(folder) / "history.parquet"
        write_history(arriving(corpus), Reading, file)
        return scored(UNIVARIATE, file, share=PROBATION, java=java_binary(), memory="3g")


def _artifact(series: Series) -> Artifact:
    """Return the model as an artifact: it learns nothing, so that any series will do."""
    readings: Sequence[Event] = [series.reading(row) for row in range(len(series.times))]
    with tempfile.TemporaryDirectory(prefix="fastdata-nab-") as folder:
        file = Path(folder) / "history.parquet"
        write_history(readings, Reading, file)
        return train(UNIVARIATE, file, java=java_binary(), memory="2g", report=_say)


def by_series(corpus: Sequence[Series], rows: pd.DataFrame) -> dict[str, Floats]:
    """Return each series' scores in the order of its file; every row must have been scored."""
    score = rows.set_index("event_id").score
    found = {s.name: score.reindex([event_id(s.name, i) for i in range(len(s.times))]) for s in corpus}
    missing = sum(int(scores.isna().sum()) for scores in found.values())
    if missing:
        raise SystemExit(f"{missing} readings have no score")
    return {name: scores.to_numpy(np.float64) for name, scores in found.items()}


def lines(corpus: Sequence[Series], scores: dict[str, Floats]) -> list[str]:
    """Return the scores by profile, then a table by category at the standard profile's threshold."""
    told = [
        f"{'profile':<24} {'score':>6} {'threshold':>10} {'score at ' + format(UNIVARIATE.threshold.of(np.empty(0), 0), 'g'):>11}"
    ]
    for name, profile in PROFILES.items():
        worths = {s.name: worth(s.times, s.windows, profile) for s in corpus}
        windows, missed = sum(len(s.windows) for s in corpus), countable(worths)
        totals = sweep(worths, scores, profile)
        threshold, best = totals.best()
        fixed = totals.at(UNIVARIATE.threshold.of(np.empty(0), 0))
        told.append(
            f"{name:<24} {normalised(best, windows, missed, profile):6.2f} {threshold:10.4f} "
            f"{normalised(fixed, windows, missed, profile):11.2f}"
        )
    worths = {s.name: worth(s.times, s.windows, STANDARD) for s in corpus}
    threshold, _ = sweep(worths, scores, STANDARD).best()
    return [*told, "", *_table(corpus, worths, scores, threshold)]


def _table(
    corpus: Sequence[Series], worths: dict[str, Worth], scores: dict[str, Floats], threshold: float
) -> list[str]:
    rows = [
        f"{'category':<24} {'series':>6} {'windows':>7} {'found':>5} {'false alarms':>12} {'of the points':>13}"
    ]
    for category in dict.fromkeys(s.category for s in corpus):
        series = [s for s in corpus if s.category == category]
        found, false = 0, 0
        for s in series:
            alert = (scores[s.name] >= threshold) & worths[s.name].counts
            found += len(set(worths[s.name].window[alert].tolist()) - {-1})
            false += int((alert & (worths[s.name].window < 0)).sum())
        rows.append(
            f"{category:<24} {len(series):6} {sum(len(s.windows) for s in series):7} {found:5} {false:12} "
            f"{_share(series, worths, scores, threshold):>13}"
        )
    return rows


def _share(
    series: Sequence[Series], worths: dict[str, Worth], scores: dict[str, Floats], threshold: float
) -> str:
    own = {s.name: worths[s.name] for s in series}
    windows = sum(len(s.windows) for s in series)
    total = sweep(own, scores, STANDARD).at(threshold)
    if not windows:
        return f"{total:.2f}"
    return f"{normalised(total, windows, countable(own), STANDARD):.1f} %"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
