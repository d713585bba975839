"""What is found readable is read: both versions of a type are made up, values are written by one and read by the other."""

from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.releases.shapes import Shape, unreadable

KINDS: dict[str, tuple[Any, Any]] = {
    "int": (int, 3),
    "float": (float, 1.5),
    "text": (str, "x"),
    "maybe": (int | None, None),
    "choice": (Literal["a", "b"], "b"),
    "smaller": (Literal["a"], "a"),
    "list": (list[int], [1]),
    "texts": (dict[str, str], {"k": "v"}),
    "numbers": (dict[str, float], {"k": 1.0}),
    "pair": (tuple[int, str], (1, "x")),
    "any": (Any, {"deep": [1]}),
}
fields = st.dictionaries(
    st.sampled_from("abc"), st.tuples(st.sampled_from(sorted(KINDS)), st.booleans()), max_size=3
)


def struct(members: dict[str, tuple[str, bool]], *, strict: bool) -> type[msgspec.Struct]:
    ordered = sorted(members.items(), key=lambda item: item[1][1])
    defined: list[Any] = [
        (name, KINDS[kind][0], msgspec.field(default_factory=lambda kind=kind: KINDS[kind][1]))
        if optional
        else (name, KINDS[kind][0])
        for name, (kind, optional) in ordered
    ]
    return msgspec.defstruct("Made", defined, forbid_unknown_fields=strict, kw_only=True)


def shape(kind: Any) -> Shape:
    (schema,), parts = msgspec.json.schema_components([kind])
    return Shape(schema, parts)


@given(old=fields, new=fields, strict=st.booleans(), nested=st.booleans())
def test_what_is_found_readable_is_read(
    *, old: dict[str, tuple[str, bool]], new: dict[str, tuple[str, bool]], strict: bool, nested: bool
) -> None:
    reader, writer = struct(old, strict=strict), struct(new, strict=False)
    value: Any = writer(**{name: KINDS[kind][1] for name, (kind, _) in new.items()})
    if nested:
        text = msgspec.json.encode({"key": [value]})
        mine: Any = dict[str, list[reader]]  # type: ignore[valid-type]
        its: Any = dict[str, list[writer]]  # type: ignore[valid-type]
    else:
        text, mine, its = msgspec.json.encode(value), reader, writer
    if not unreadable(shape(mine), shape(its)):
        msgspec.json.decode(text, type=mine)


@given(members=fields, strict=st.booleans())
def test_every_version_reads_itself_and_an_added_field_unless_it_is_strict(
    *, members: dict[str, tuple[str, bool]], strict: bool
) -> None:
    reader = struct(members, strict=strict)
    assert unreadable(shape(reader), shape(reader)) == []
    writer = struct({**members, "d": ("text", True)}, strict=strict)
    assert unreadable(shape(reader), shape(writer)) == (["d is unknown to it"] if strict else [])
    assert unreadable(shape(writer), shape(reader)) == []


class Leaf(msgspec.Struct, tag="leaf"):
    value: int


class Node(msgspec.Struct, tag="node"):
    children: list["Node | Leaf"]


class Third(msgspec.Struct, tag="third"):
    name: str


@pytest.mark.parametrize(
    ("reader", "writer", "why"),
    [
        (int, str, "it is string, not integer"),
        (float, int, None),
        (int, float, "it is number, not integer"),
        (Literal["a"], Literal["a", "b"], "it may be 'b'"),
        (Literal["a"], str, "it may be anything but 'a'"),
        (int, int | None, "it is null, not integer"),
        (Node | Leaf, Node | Leaf, None),
        (Node | Leaf, Node | Leaf | Third, "may be 'third'"),
        (Node | Leaf | Third, Node | Leaf, None),
        (tuple[int, int], tuple[int, int, int], "it has 3 members, not 2"),
        (dict[str, int], dict[str, str], "* is string, not integer"),
        (int, Any, "it is anything, not integer"),
        (Any, int, None),
    ],
)
def test_examples(reader: Any, writer: Any, why: str | None) -> None:
    found = unreadable(shape(reader), shape(writer))
    assert (not found) if why is None else any(why in line for line in found)
