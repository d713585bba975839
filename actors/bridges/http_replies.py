"""What a device's HTTP reply means; pure.

A 2xx reply holds the answer, 202 says that it comes later, 4xx refuses. Everything else, and the 4xx that ask
for patience, means: ask again.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urljoin, urlsplit

from actors.bridges.answers import MOST_REASON, Answer, read_answer

ACCEPTED: Final = 202
_OK: Final = range(200, 300)
_REFUSED: Final = range(400, 500)
_PATIENCE: Final = frozenset({408, 425, 429})


class Later(NamedTuple):
    """The device has the command; `url` is where to ask for the outcome, None: by the same request."""

    url: str | None


class Declined(NamedTuple):
    """The device, or what stands before it, refuses the request."""

    reason: str


class Again(NamedTuple):
    """Nothing is known: ask again."""

    reason: str


Reply: TypeAlias = Answer | Later | Declined | Again


def read_reply(status: int, headers: Mapping[str, str], body: bytes, url: str) -> Reply:
    """Return what the reply to a request to this URL means (header names in lower case)."""
    if status == ACCEPTED:
        return Later(_place(headers.get("location"), url))
    if status in _OK:
        answer = read_answer(body)
        if isinstance(answer, str):
            return Again(f"status {status}, but {answer}")
        return Later(None) if answer.outcome == "delivered" else answer
    if status in _REFUSED and status not in _PATIENCE:
        return Declined(_refusal(status, body))
    return Again(f"status {status}")


def _place(location: str | None, url: str) -> str | None:
    """Return the absolute URL, unless it leads to another server: the token is none of its business."""
    if location is None:
        return None
    place = urljoin(url, location)
    return place if _origin(place) == _origin(url) else None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _refusal(status: int, body: bytes) -> str:
    answer = read_answer(body)
    if isinstance(answer, Answer) and answer.reason:
        return answer.reason
    text = " ".join(body.decode(errors="replace").split())[:MOST_REASON]
    return f"status {status}: {text}" if text else f"status {status}"
