"""A score: what the query writes to the topics `scores` and `alerts`, and the writer keeps."""

from typing import Any

import msgspec

from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON


class Shadow(msgspec.Struct, frozen=True):
    """What another deployed version says of the same event; nothing acts on it."""

    version: str
    score: float
    threshold: float


class Reason(msgspec.Struct, frozen=True):
    """How far a feature pushed the score, in the estimator's own margin."""

    feature: str
    contribution: float


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One event as scored by one model; an alert is a score that reaches its threshold.

    Attributes
    ----------
    entity
        What alarms are raised on: the card of a transaction, the machine of a reading.
    features
        The numbers that the estimator saw, by name; null where undefined.
    event
        The scored event's other fields, by name.
    arrivals
        How many events each later stage had seen for its key when this one was scored, by counter name:
        evidence of the order of arrival, for exact recomputation.
    topic, partition, offset
        Where the event lies in Kafka.
    ingested_at
        The Kafka timestamp of the event, milliseconds since the epoch.
    shadows
        The versions that are scored beside the one that acts.
    reasons
        The features that pushed this score most, the strongest first; empty when the estimator gives none.
    outputs
        What the estimator says beside the score, by name, such as the bounds of an interval.
    below
        Whether low scores are alerts: those at or under the threshold. Else those at or over it.
    """

    event_id: str
    event_time: int
    entity: str
    model: str
    version: str
    score: float
    threshold: float
    features: dict[str, float | None]
    event: dict[str, Any]
    arrivals: dict[str, int]
    topic: str
    partition: int
    offset: int
    ingested_at: int
    shadows: list[Shadow] = []
    reasons: list[Reason] = []
    outputs: dict[str, float | None] = {}
    below: bool = False

    @property
    def is_alert(self) -> bool:
        """Whether the score reaches its threshold."""
        return self.score <= self.threshold if self.below else self.score >= self.threshold


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Score)


def encode(score: Score) -> bytes:
    """Return the score as compact JSON."""
    return _encoder.encode(score)


def decode(data: bytes) -> Score:
    """Read one score from JSON.

    Raises
    ------
    RejectEventError
        When the bytes are not a score.
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise RejectEventError(MALFORMED_JSON, f"not a score: {error}") from error
