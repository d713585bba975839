"""Figures from what the scores topic and the operating system say: rates, percentiles, pauses, CPU, memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ingest.consumer import read_all
from ingest.settings import KafkaSettings

QUANTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}

Millis = npt.NDArray[np.int64]


class _Scored(msgspec.Struct):
    event_id: str
    ingested_at: int


@dataclass(frozen=True)
class Scored:
    """When each event was ingested and when its first score stood in the topic, both in milliseconds, by score time."""

    ingested: Millis
    scored: Millis
    duplicates: int

    def after(self, ingested_ms: int) -> "Scored":
        """Return what was ingested at or after this time."""
        keep = self.ingested >= ingested_ms
        return Scored(self.ingested[keep], self.scored[keep], 0)

    def latency(self) -> dict[str, float]:
        """Return latency percentiles in milliseconds."""
        spans = self.scored - self.ingested
        return {name: float(np.percentile(spans, q)) for name, q in QUANTILES.items()}

    def rate(self) -> float:
        """Return scored events per second between the first and the last score."""
        return float((len(self.scored) - 1) / (self.scored[-1] - self.scored[0]) * 1000)


def read_scores(kafka: KafkaSettings) -> Scored:
    """Read the scores topic once."""
    first: dict[str, tuple[int, int]] = {}
    count = 0
    for record in read_all(kafka, "scores"):
        row = msgspec.json.decode(record.value or b"{}", type=_Scored)
        seen = first.get(row.event_id)
        if seen is None or record.timestamp_ms < seen[1]:
            first[row.event_id] = (row.ingested_at, record.timestamp_ms)
        count += 1
    table = np.array(sorted(first.values(), key=lambda pair: pair[1]), dtype=np.int64)
    return Scored(table[:, 0], table[:, 1], count - len(first))


class _Row(msgspec.Struct):
    event_id: str
    score: float
    features: dict[str, float | None]
    arrivals: dict[str, int]


def compared(ours: KafkaSettings, theirs: KafkaSettings) -> dict[str, float]:
    """Compare features and scores of the events for which the terminal had seen the same number of labels.

    Returns
    -------
    dict
        How many events, the largest relative difference of a feature, and the median and largest of a score.
    """
    known = {row.event_id: row for row in _rows(ours)}
    features, scores = [], []
    for row in _rows(theirs):
        own = known.get(row.event_id)
        if own is None or any(own.arrivals[name] != count for name, count in row.arrivals.items()):
            continue
        scores.append(abs(own.score - row.score))
        pairs = ((own.features[name] or 0.0, value or 0.0) for name, value in row.features.items())
        features.append(max(abs(a - b) / max(1.0, abs(b)) for a, b in pairs))
    return {
        "events": len(scores),
        "features_max": max(features, default=0.0),
        "score_median": float(np.median(scores)) if scores else 0.0,
        "score_max": max(scores, default=0.0),
    }


def _rows(kafka: KafkaSettings) -> Iterator[_Row]:
    for record in read_all(kafka, "scores"):
        yield msgspec.json.decode(record.value or b"{}", type=_Row)


def interval_starts(lines: Sequence[str], query: str) -> list[int]:
    """Return when each interval of a query began, milliseconds since the epoch."""
    rows: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    return [
        int(datetime.fromisoformat(row["timestamp"]).timestamp() * 1000)
        for row in rows
        if row["query"].startswith(query)
    ]


def pauses(scored: Scored, starts: Sequence[int], around_ms: int = 3000) -> list[int]:
    """Return the longest silence of the scores topic around each interval's start, in milliseconds."""
    found = []
    for start in starts:
        near = scored.scored[(scored.scored > start - around_ms) & (scored.scored < start + around_ms)]
        if len(near) > 1:
            found.append(int(np.diff(near).max()))
    return found


def outside(scored: Scored, starts: Sequence[int], around_ms: int = 3000) -> Scored:
    """Return what was not ingested around an interval's start."""
    keep = np.ones(len(scored.ingested), dtype=bool)
    for start in starts:
        keep &= np.abs(scored.ingested - start) > around_ms
    return Scored(scored.ingested[keep], scored.scored[keep], 0)
