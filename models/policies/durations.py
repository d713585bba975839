"""Lengths of time as policies write them, `250ms`, `90s`, `5m`, `2h` or `1d`, and as code counts them: milliseconds."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

_UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LENGTH: Final = re.compile(r"(0|[1-9][0-9]{0,8})(ms|s|m|h|d)")


def milliseconds(text: object) -> int:
    """Return a length of time in milliseconds; `ValueError` when the value is no such text."""
    found = _LENGTH.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(
            f'{text!r} is no length of time: write a whole number and ms, s, m, h or d in quotes, such as "90s"'
        )
    return int(found[1]) * _UNITS[found[2]]


def shown(ms: int) -> str:
    """Return a length of time as policies write it, in the largest unit that fits."""
    unit = next((u for u, size in reversed(_UNITS.items()) if ms and ms % size == 0), "s")
    return f"{ms // _UNITS[unit]}{unit}"


Milliseconds = Annotated[int, BeforeValidator(milliseconds)]
"""A length of time; zero is one."""

Lasting = Annotated[Milliseconds, Field(gt=0)]
"""A length of time that is not zero."""
