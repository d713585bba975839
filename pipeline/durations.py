"""Lengths of time as people write them on a command line: `90s`, `30m`, `2h`, `1d`."""

import re
from typing import Final

from pipeline.errors import RefuseUsageError

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LENGTH: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])")


def seconds(text: str) -> int:
    """Return a length of time in seconds; `RefuseUsageError` when the text is none."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise RefuseUsageError(
            f"{text!r} is no length of time: write a number and s, m, h or d, such as 90m or 2h"
        )
    return int(found[1]) * _SECONDS[found[2]]
