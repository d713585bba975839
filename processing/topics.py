"""Where the queries read and write."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Topics:
    """Full topic names: events and labels in, features between two queries, scores, alerts and dead letters out.

    Attributes
    ----------
    sources
        By the tag of the event type.
    partitions
        How many each source topic has.
    begins
        Offset by topic and partition at which a new query begins to read; topics that are not named: the earliest.
    """

    bootstrap_servers: str
    sources: Mapping[str, str]
    partitions: Mapping[str, int]
    features: str
    scores: str
    alerts: str
    dead_letters: str
    begins: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def starting(self, topic: str) -> str:
        """Return where a new query begins to read a topic, in Spark's words."""
        begins = self.begins.get(topic)
        return "earliest" if begins is None else json.dumps({topic: begins})
