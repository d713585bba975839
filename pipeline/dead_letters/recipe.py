"""A fix: fields that are renamed, set and dropped, the same for every event that it is applied to."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pipeline.dead_letters.language import Evaluate, Functions, NoValueError, compiled
from pipeline.dead_letters.letters import Fields, Letter
from pipeline.errors import RefuseUsageError

LETTER_ID: Final = "letter_id"
"""What an expression reads the letter's name by: a stable id for an event that came without one."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fix changes, in this order; a place is a field, or `field.name` inside one.

    Attributes
    ----------
    rename
        (old, new) places; nothing happens where the old one is not there.
    set
        (place, expression) pairs; an expression reads the event as it is after renaming.
    drop
        Places that are taken out.
    """

    rename: tuple[tuple[str, str], ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        """Whether this is no fix at all."""
        return not (self.rename or self.set or self.drop)

    def as_json(self) -> str:
        """Return it for the audit; empty when it changes nothing."""
        return "" if self.changes_nothing else msgspec.json.encode(self).decode()


Fix = Callable[[Letter, Fields], Fields]
"""Returns the fixed fields; `NoValueError` when they can't be computed."""


def parsed(rename: tuple[str, ...], set_: tuple[str, ...], drop: tuple[str, ...]) -> Recipe:
    """Return the recipe of `OLD=NEW`, `FIELD=EXPRESSION` and `FIELD` texts.

    Raises
    ------
    RefuseUsageError
        When one of them has another form.
    """
    return Recipe(
        rename=tuple(_pair(text, "--rename OLD=NEW") for text in rename),
        set=tuple(_pair(text, "--set FIELD=EXPRESSION") for text in set_),
        drop=drop,
    )


def fix_of(recipe: Recipe, functions: Functions) -> Fix:
    """Return what applies a recipe; its expressions are checked now."""
    steps = [(place, compiled(text, functions)) for place, text in recipe.set]

    def fix(letter: Letter, fields: Fields) -> Fields:
        fixed = copy.deepcopy(fields)
        for old, new in recipe.rename:
            _rename(fixed, old, new)
        read: Mapping[str, Any] = copy.deepcopy(fixed) | {LETTER_ID: letter.letter_id}
        for place, evaluate in steps:
            _put(fixed, place, _value(place, evaluate, read))
        for place in recipe.drop:
            _take(fixed, place)
        return fixed

    return fix


def _pair(text: str, form: str) -> tuple[str, str]:
    place, equals, rest = text.partition("=")
    if not (equals and place.strip() and rest.strip()):
        raise RefuseUsageError(f"{text!r}: {form} is expected")
    return place.strip(), rest.strip()


def _value(place: str, evaluate: Evaluate, read: Mapping[str, Any]) -> Any:
    try:
        return evaluate(read)
    except NoValueError as error:
        raise NoValueError(f"{place}: {error}") from error


def _rename(fields: Fields, old: str, new: str) -> None:
    group, name = _group(fields, old)
    if group is not None and name in group:
        _put(fields, new, group.pop(name))


def _put(fields: Fields, place: str, value: Any) -> None:
    head, dot, rest = place.partition(".")
    if not dot or place in fields:
        fields[place] = value
        return
    group = fields.setdefault(head, {})
    if not isinstance(group, dict):
        raise NoValueError(f"{place}: {head} holds no named values")
    group[rest] = value


def _take(fields: Fields, place: str) -> None:
    group, name = _group(fields, place)
    if group is not None:
        group.pop(name, None)


def _group(fields: Fields, place: str) -> tuple[Fields | None, str]:
    """Return the object that a place lies in, and its name there: a field's own name may hold a dot."""
    head, dot, rest = place.partition(".")
    if place in fields or not dot:
        return fields, place
    group = fields.get(head)
    return (group, rest) if isinstance(group, dict) else (None, rest)
