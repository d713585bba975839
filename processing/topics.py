"""Where the queries read and write."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Topics:
    """Full topic names: events and labels in, features between two queries, scores, alerts and dead letters out."""

    bootstrap_servers: str
    sources: Mapping[str, str]
    partitions: Mapping[str, int]
    features: str
    scores: str
    alerts: str
    dead_letters: str
