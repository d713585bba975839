"""Dead letters by their identity: the topic holds some of them twice, here each comes once.

A letter is named by what was refused and where it came from, not by where it lies: the query that refuses
records delivers at least once, and the same refusal stays the same letter.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec

from ingest.ports import Record
from models import dead_letters
from models.dead_letters import KEPT_BYTES, DeadLetter
from models.errors import RejectEventError
from models.events import EVENT_TYPES, UNREADABLE, Event, rejection

Fields = dict[str, Any]

_BY_TOPIC: Final = {event_type.topic: event_type for event_type in EVENT_TYPES.values()}
_objects: Final = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True)
class Letter:
    """One dead letter.

    Attributes
    ----------
    letter_id
        16 hexadecimal digits.
    letter
        What the topic holds.
    topic
        The topic without prefix where the event lay; None when it was refused before it reached one.
    position
        Where the letter itself lies, `topic/partition/offset`.
    written_at
        When, milliseconds since the epoch.
    """

    letter_id: str
    letter: DeadLetter
    topic: str | None
    position: str
    written_at: int

    @property
    def payload(self) -> bytes:
        """What was kept of the event."""
        return base64.b64decode(self.letter.payload)

    @property
    def is_whole(self) -> bool:
        """Whether all of the event was kept."""
        return self.letter.size <= KEPT_BYTES

    def fields(self) -> Fields:
        """Return the event's fields, NaN and Infinity included.

        Raises
        ------
        RejectEventError
            When what is kept is no JSON object.
        """
        data = self.payload
        try:
            return _objects.decode(data)
        except UNREADABLE as error:
            return _lenient(data, rejection(error, data))

    def event_type(self, fields: Fields) -> type[Event] | None:
        """Return which type of event it was meant to be: by its tag, else by its topic."""
        tag = fields.get("type")
        named = EVENT_TYPES.get(tag) if isinstance(tag, str) else None
        return named or _BY_TOPIC.get(self.topic or "")


def read(records: Iterable[Record], prefix: str) -> Iterator[Letter]:
    """Yield every dead letter once, in the order of the topic; what is no dead letter is left out.

    Parameters
    ----------
    prefix
        What stands before the names of topics.
    """
    seen: set[str] = set()
    for record in records:
        try:
            letter = dead_letters.decode(record.value)
        except RejectEventError:
            continue
        name = letter_id(letter)
        if name not in seen:
            seen.add(name)
            topic = None if letter.topic is None else letter.topic.removeprefix(prefix)
            yield Letter(name, letter, topic, record.position, record.timestamp_ms)


def letter_id(letter: DeadLetter) -> str:
    """Return the identity of a dead letter: a digest of its source, its position there, and what it holds."""
    named = msgspec.json.encode([letter.source, letter.position, letter.payload, letter.size])
    return blake2b(named, digest_size=8).hexdigest()


def _lenient(data: bytes, refused: RejectEventError) -> Fields:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(found, dict):
        raise refused
    return found
