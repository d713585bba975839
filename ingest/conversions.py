"""Turns one value of a source into one value of an event; a `ValueError` says what it is not.

Null and empty text stay null: whether a field may be null is the event type's business.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from ingest.errors import RefuseInputError
from ingest.fields import Kind
from ingest.mapping import TimeRule

Convert = Callable[[Any], Any]

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks have no zone yet
_FLAGS: Final = {"0": False, "1": True, "false": False, "true": True}
_MS_PER: Final = {
    "d": 86_400_000.0,
    "h": 3_600_000.0,
    "min": 60_000.0,
    "s": 1_000.0,
    "ms": 1.0,
    "us": 1e-3,
    "ns": 1e-6,
}


Held = Literal["values", "instants", "wall times"]
"""What a column holds: plain values, or timestamps (with or without time zone) as microseconds since the epoch."""


def text(value: Any) -> str | None:
    """Return the value as text; whole numbers without decimals."""
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bool | bytes | list | dict):
        raise _unexpected("text or a number", value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number(value: Any) -> float | None:
    """Return the value as a number; text is parsed."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _unexpected("a number", value)
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("a number is expected, this one is too large") from error


def _unexpected(wanted: str, value: Any) -> ValueError:
    return ValueError(f"{wanted} is expected, not {type(value).__name__}")


def flag(value: Any) -> bool | None:
    """Return the value as true or false; 1 and 0 and their texts count."""
    if value is None or value == "":
        return None
    known = _FLAGS.get(value.lower()) if isinstance(value, str) else None
    if known is None and isinstance(value, bool | int | float) and value in {0, 1}:
        known = bool(value)
    if known is None:
        raise ValueError("true, false, 1 or 0 is expected")
    return known


BY_KIND: Final[dict[Kind, Convert]] = {"text": text, "number": number, "flag": flag}


def time_reader(rule: TimeRule, held: Held) -> Convert:
    """Return what reads the time column into milliseconds since the epoch.

    Raises
    ------
    RefuseInputError
        When the rule reads text or numbers and the column holds timestamps.
    """
    zone = ZoneInfo(rule.timezone)
    if held != "values":
        if rule.unit is not None or rule.format is not None:
            raise RefuseInputError(
                f"column {rule.column} holds timestamps: leave out time.unit and time.format"
            )
        return _microseconds if held == "instants" or zone.key == "UTC" else _wall_time_reader(zone)
    if rule.unit is not None:
        start = 0 if rule.start is None else _milliseconds(rule.start, zone)
        return _number_reader(_MS_PER[rule.unit] * rule.step, start)
    return _text_reader(rule.format, zone) if rule.format is not None else _timestamp_reader(zone)


def _microseconds(value: int | None) -> int | None:
    return None if value is None else value // 1_000


def _wall_time_reader(zone: ZoneInfo) -> Convert:
    def read(value: int | None) -> int | None:
        return None if value is None else _milliseconds(_EPOCH + timedelta(microseconds=value), zone)

    return read


def _number_reader(ms: float, start: int) -> Convert:
    def read(value: Any) -> int | None:
        found = number(value)
        return None if found is None else start + _whole(found * ms)

    return read


def _whole(milliseconds: float) -> int:
    try:
        return int(milliseconds)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{milliseconds} is no time") from error


def _text_reader(form: str, zone: ZoneInfo) -> Convert:
    def read(value: Any) -> int | None:
        found = text(value)
        return None if found is None else _milliseconds(datetime.strptime(found, form), zone)  # noqa: DTZ007 - zoned next

    return read


def _timestamp_reader(zone: ZoneInfo) -> Convert:
    def read(value: Any) -> int | None:
        if isinstance(value, str):
            return _milliseconds(datetime.fromisoformat(value), zone) if value else None
        if isinstance(value, date):
            return _milliseconds(datetime.combine(value, time()), zone)
        if value is None:
            return None
        raise ValueError("a timestamp or ISO 8601 text is expected; for numbers say `unit`")

    return read


def _milliseconds(moment: datetime, zone: ZoneInfo) -> int:
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return round(zoned.timestamp() * 1_000)
