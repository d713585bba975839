"""What is wrong with a policy file, in words: where it stands, and what to do."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

_KINDS: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing: say it",
}


def complaints(error: ValidationError, file: type[BaseModel], given: Any) -> list[str]:
    """Return a line for each thing that is wrong.

    Parameters
    ----------
    file
        The model of the whole file.
    given
        What the file says.
    """
    known = sorted(set(_fields(file)))
    return [f"{_place(each['loc'], given)}: {_text(each, known)}" for each in error.errors(include_url=False)]


def _place(loc: Sequence[str | int], given: Any) -> str:
    place, here = "", given
    for step in loc:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            place += f"[{step + 1}]"
            if isinstance(here, dict) and (called := here.get("name") or here.get("command")):
                place += f" ({called})"
        elif isinstance(here, dict) and (step in here or not _passes(step)):
            here = here.get(step)
            place += f".{step}" if place else str(step)
    return place or "the file"


def _passes(step: str) -> bool:
    """Whether a step of pydantic's path is a type's name and not something that the file says."""
    return "[" in step or "(" in step


def _text(error: ErrorDetails, known: Sequence[str]) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        near = get_close_matches(str(error["loc"][-1]), known, n=1)
        return f"{_KINDS[kind]}{f', do you mean `{near[0]}`?' if near else ': take it out'}"
    if kind in _KINDS:
        return _KINDS[kind]
    return error["msg"].removeprefix("Value error, ")


def _fields(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        if not issubclass(table, RootModel):
            yield field.alias or name
        for part in _models(field.annotation):
            yield from _fields(part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)
