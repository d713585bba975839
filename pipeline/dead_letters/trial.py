"""What would become of a dead letter at the door: an event, or the reason why it is refused again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ingest.masking import MASK
from models import events, rejections
from models.errors import RejectEventError
from models.events import EVENT_TYPES, FUTURE_TOLERANCE_MS, Event
from pipeline.dead_letters.difference import masked
from pipeline.dead_letters.language import NoValueError
from pipeline.dead_letters.letters import Fields, Letter
from pipeline.dead_letters.recipe import Fix

NOT_WHOLE: Final = "not_whole"
NOT_FIXABLE: Final = "not_fixable"
NO_EVENT: Final = "no_event"


@dataclass(frozen=True)
class Change:
    """A field before and after, as JSON with card numbers masked; None where it is not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Trial:
    """The outcome.

    Attributes
    ----------
    event
        What the door would take; None when it would refuse it.
    reason, detail
        Why it would: one of `models.rejections.REASONS`, `not_whole` (only its beginning was kept), `not_fixable` (an
        expression has no value for it), or `no_event` (it was a record of this application, not an event).
    changes
        What the fix changes.
    """

    letter: Letter
    event: Event | None
    reason: str = ""
    detail: str = ""
    changes: tuple[Change, ...] = ()


def trial(letter: Letter, fix: Fix | None, now: int) -> Trial:
    """Return what would become of a letter, fixed or as it is.

    Parameters
    ----------
    now
        Milliseconds since the epoch; event times in the future are refused.
    """
    changes: tuple[Change, ...] = ()
    try:
        _refuse_unusable(letter)
        if fix is None:
            event: Event = events.decode(letter.payload)
        else:
            before = letter.fields()
            after = fix(letter, before)
            changes = _changes(before, after)
            event = _built(after)
        _refuse_future(event, now)
        _refuse_masked(event)
    except RejectEventError as error:
        return Trial(letter, None, error.reason, error.detail, changes)
    except NoValueError as error:
        return Trial(letter, None, NOT_FIXABLE, str(error), changes)
    return Trial(letter, event, changes=changes)


def _refuse_unusable(letter: Letter) -> None:
    if letter.topic is not None and letter.topic not in _EVENT_TOPICS:
        raise RejectEventError(NO_EVENT, f"it was a record of the topic {letter.topic}")
    if not letter.is_whole:
        kept = len(letter.payload)
        raise RejectEventError(NOT_WHOLE, f"{kept:,} of its {letter.letter.size:,} bytes were kept")


_EVENT_TOPICS: Final = frozenset(event_type.topic for event_type in EVENT_TYPES.values())


def _built(fields: Fields) -> Event:
    tag = fields.get("type")
    if tag is None:
        raise RejectEventError(rejections.MISSING_FIELD, "at $.type")
    if not isinstance(tag, str) or tag not in EVENT_TYPES:
        raise RejectEventError(rejections.UNKNOWN_TYPE, f"type {masked(tag)}")
    return events.build(tag, {name: value for name, value in fields.items() if name != "type"})


def _refuse_future(event: Event, now: int) -> None:
    if event.event_time > now + FUTURE_TOLERANCE_MS:
        raise RejectEventError(rejections.FUTURE_EVENT_TIME, f"event time {event.event_time} lies after now")


def _refuse_masked(event: Event) -> None:
    if MASK.encode() in events.encode(event):
        raise RejectEventError(NOT_FIXABLE, "a card number was masked in it: set the field from the source")


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = [*before, *(name for name in after if name not in before)]
    found = (Change(name, _shown(before, name), _shown(after, name)) for name in names)
    return tuple(change for change in found if change.before != change.after)


def _shown(fields: Mapping[str, Any], name: str) -> str | None:
    return masked(fields[name]) if name in fields else None
