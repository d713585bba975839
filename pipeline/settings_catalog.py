"""What can be set: every setting by its dotted name, with type, default and description, and name look-up."""

import ast
import difflib
import inspect
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes
    ----------
    name
        Dotted, as in `kafka.prefix`.
    kind, default
        As text for people; an empty default means that the setting is required or derived.
    description
        Empty when its owner wrote none.
    open
        Whether any names may follow below it (a table with free keys).
    """

    name: str
    kind: str
    default: str
    description: str
    open: bool


@cache
def catalog(model: type[BaseModel]) -> tuple[Setting, ...]:
    """Return every setting of a model in its order, nested models flattened."""
    return tuple(_walk(model, ""))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    texts = _docstrings(model)
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _walk(inner, f"{prefix}{name}.")
        else:
            yield Setting(
                name=prefix + name,
                kind=_kind(inner, field),
                default=_default(field),
                description=" ".join((field.description or texts.get(name, "")).split()),
                open=get_origin(inner) is dict,
            )


def sections(model: type[BaseModel]) -> Iterator[str]:
    """Name the settings that hold further settings, dotted."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name
            yield from (f"{name}.{inner}" for inner in sections(field.annotation))


def known(name: str, model: type[BaseModel]) -> bool:
    """Whether the dotted name is a setting, a section, or lies in a table with free keys."""
    settings = catalog(model)
    return (
        name in {setting.name for setting in settings}
        or name in set(sections(model))
        or any(setting.open and name.startswith(setting.name + ".") for setting in settings)
    )


def takes_json(name: str, model: type[BaseModel]) -> bool:
    """Whether the value is written as JSON where only text can be given: a list, a table or a whole section."""
    structured = {s.name for s in catalog(model) if s.open or s.kind.startswith("list")}
    return name in structured or name in set(sections(model))


def nearest(name: str, model: type[BaseModel]) -> str:
    """Return the setting whose dotted name is most like the given one."""
    names = [setting.name for setting in catalog(model)]
    return difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "{}"
    if field.default is PydanticUndefined:
        return ""
    value = field.default
    if value is None or isinstance(value, SecretStr):
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _kind(annotation: Any, field: FieldInfo | None = None) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in {Union, types.UnionType}:
        return " or ".join("none" if a is type(None) else _kind(a) for a in arguments)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "table"
    words = {"str": "text", "int": "whole number", "float": "number", "bool": "true | false", "Path": "path"}
    name = getattr(annotation, "__name__", str(annotation))
    limits = "" if field is None else _limits(field)
    return {"SecretStr": "secret text", **words}.get(name, name) + limits


def _limits(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    parts = [
        f"{sign} {getattr(limit, attribute):g}"
        for limit in field.metadata
        for attribute, sign in signs.items()
        if getattr(limit, attribute, None) is not None
    ]
    return f", {', '.join(parts)}" if parts else ""


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Read the texts that stand below the fields of a class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match text:
                case ast.Expr(value=ast.Constant(value=str(words))):
                    texts[field.target.id] = words
    return texts
