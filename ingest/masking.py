"""Takes card numbers out of what a dead letter keeps."""

import re
from typing import Final

MASK: Final = "<card number>"

_CANDIDATE: Final = re.compile(rb"(?<![\d.])(?:\d[ -]?){13,18}\d(?![\d.])")
_BARE_DIGITS: Final = 14
"""Bare numbers of up to 13 digits are times in milliseconds, not card numbers."""


def mask_cards(data: bytes) -> bytes:
    """Replace what looks like a card number: 14 to 19 digits, maybe spaced, whose Luhn check digit is right."""
    return _CANDIDATE.sub(_masked, data)


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def _masked(found: re.Match[bytes]) -> bytes:
    digits = re.sub(rb"\D", b"", found.group()).decode()
    return MASK.encode() if len(digits) >= _BARE_DIGITS and luhn(digits) else found.group()
