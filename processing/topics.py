"""Where the queries read and write."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Topics:
    """Full topic names: events and labels in, scores, alerts and dead letters out; and how to reach them."""

    bootstrap_servers: str
    sources: Mapping[str, str]
    partitions: Mapping[str, int]
    scores: str
    alerts: str
    dead_letters: str
