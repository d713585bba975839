"""How a score becomes a row and a row a score."""

from typing import Any, Final

import msgspec

from models.errors import RejectEventError
from models.rejections import OUT_OF_RANGE
from models.scores import Reason, Score, Shadow
from storage.scores import StampedScore
from storage.times import day_of, millis

COLUMNS: Final = (
    "entity", "day", "event_time", "event_id", "model", "version", "score", "threshold",
    "features", "event", "arrivals", "topic", "partition", "offset", "ingested_at",
    "shadows", "reasons", "outputs", "below",
)  # fmt: skip
"""The columns of the table `scores`."""

_DATE_ZERO: Final = 2**31
"""The driver takes a date as an unsigned number whose middle is the epoch."""

_LATEST_MS: Final = 4_102_444_800_000
_LONGEST: Final = 1_024
_NONE: Final = "[]"
"""For rows from before these columns."""

_encode = msgspec.json.Encoder().encode
_features = msgspec.json.Decoder(dict[str, float | None])
_event = msgspec.json.Decoder(dict[str, Any])
_arrivals = msgspec.json.Decoder(dict[str, int])
_shadows = msgspec.json.Decoder(list[Shadow])
_reasons = msgspec.json.Decoder(list[Reason])


def refuse_unstorable(score: Score) -> None:
    """Raise `RejectEventError` for a score that no row can hold; it would block all that follow it."""
    for name in ("event_id", "entity", "model"):
        length = len(getattr(score, name))
        if not 1 <= length <= _LONGEST:
            raise RejectEventError(
                OUT_OF_RANGE, f"{length} characters, 1 to {_LONGEST} are stored - at `$.{name}`"
            )
    for name, most in (
        ("event_time", _LATEST_MS),
        ("ingested_at", _LATEST_MS),
        ("partition", 2**31 - 1),
        ("offset", 2**63 - 1),
    ):
        value = getattr(score, name)
        if not 0 <= value <= most:
            raise RejectEventError(OUT_OF_RANGE, f"{value} is not within 0 to {most} - at `$.{name}`")


def to_values(row: StampedScore) -> tuple[Any, ...]:
    """Return the values of `COLUMNS` and the write timestamp in microseconds."""
    score = row.score
    return (
        score.entity,
        date_value(day_of(score.event_time)),
        score.event_time,
        score.event_id,
        score.model,
        score.version,
        score.score,
        score.threshold,
        _encode(score.features).decode(),
        _encode(score.event).decode(),
        _encode(score.arrivals).decode(),
        score.topic,
        score.partition,
        score.offset,
        score.ingested_at,
        _encode(score.shadows).decode(),
        _encode(score.reasons).decode(),
        _encode(score.outputs).decode(),
        score.below,
        row.stamp_us,
    )


def from_row(row: Any) -> Score:
    """Return the score that a row of all `COLUMNS` holds."""
    return Score(
        event_id=row.event_id,
        event_time=millis(row.event_time),
        entity=row.entity,
        model=row.model,
        version=row.version,
        score=row.score,
        threshold=row.threshold,
        features=_features.decode(row.features),
        event=_event.decode(row.event),
        arrivals=_arrivals.decode(row.arrivals),
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        ingested_at=millis(row.ingested_at),
        shadows=_shadows.decode(row.shadows or _NONE),
        reasons=_reasons.decode(row.reasons or _NONE),
        outputs=_features.decode(row.outputs or "{}"),
        below=bool(row.below),
    )


def date_value(day: int) -> int:
    """Return a day since the epoch as the driver takes it."""
    return day + _DATE_ZERO
