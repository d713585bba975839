"""The functions that expressions of a fix may call."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from ingest.conversions import flag, number, text, time_reader
from ingest.mapping import TimeRule


def functions(token: Callable[[str], str]) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name.

    Parameters
    ----------
    token
        Turns a card number into this installation's token.
    """
    return {
        "number": number,
        "whole": _whole,
        "text": text,
        "flag": flag,
        "time": _time,
        "finite": _finite,
        "round": _round,
        "lower": lambda value: _text(value).lower(),
        "upper": lambda value: _text(value).upper(),
        "strip": lambda value: _text(value).strip(),
        "replace": lambda value, old, new: _text(value).replace(_text(old), _text(new)),
        "token": lambda value: token(_card(value)),
    }


def _whole(value: Any) -> int | None:
    found = number(value)
    if found is None:
        return None
    if not found.is_integer():
        raise ValueError(f"{found} is not whole")
    return int(found)


def _time(value: Any, form: Any = None) -> int | None:
    """Return milliseconds since the epoch of ISO 8601 text, or of text by a format as for `strptime`; UTC."""
    read = time_reader(TimeRule(column="-", format=form), "values")
    found: int | None = read(value)
    return found


def _finite(value: Any) -> Any:
    """Return the value, or null for NaN and Infinity; of a group of measurements, each so."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _round(value: Any, digits: Any = 0) -> float:
    return round(float(value), int(digits))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"text is expected, not {type(value).__name__}")  # noqa: TRY004 - as all functions do here
    return value


def _card(value: Any) -> str:
    found = text(value)
    if found is None or "<card number>" in found:
        raise ValueError("the card number is not kept in a dead letter: take the token from the source")
    return found
