"""What follows from the event types: their fields, the Spark schema, and validity as SQL text.

The predicate here says about a Kafka record what `models.events.decode` says about bytes: the scoring query
keeps the rows without a reason, the reject query sends those with one to the dead letters.
"""

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from msgspec import Meta

from models import rejections
from models.events import FUTURE_TOLERANCE_MS, MAX_EVENT_BYTES, NOT_FINITE_PATTERN, Event

_SPARK: Final[dict[Any, str]] = {str: "string", int: "bigint", float: "double", bool: "boolean"}


@dataclass(frozen=True)
class Field:
    """One field of an event: its plain type, its bounds, and whether it may be absent."""

    name: str
    plain: Any
    meta: Meta
    optional: bool

    @property
    def spark(self) -> str:
        """Return the Spark SQL type."""
        return "map<string, double>" if get_origin(self.plain) is dict else _SPARK[self.plain]


def fields(event_type: type[Event]) -> list[Field]:
    """Return the fields of an event type in their order."""
    hints = get_type_hints(event_type, include_extras=True)
    required = set(event_type.__struct_fields__) - _defaulted(event_type)
    return [_field(name, hints[name], name not in required) for name in event_type.__struct_fields__]


def spark_ddl(event_type: type[Event]) -> str:
    """Return the Spark schema of the JSON value as DDL text, the type's tag included."""
    return ", ".join(["type string", *(f"{f.name} {f.spark}" for f in fields(event_type))])


def parse_sql(event_type: type[Event]) -> str:
    """Return SQL that turns the Kafka column `value` into a struct; anything malformed becomes null."""
    options = "map('mode', 'PERMISSIVE', 'allowNonNumericNumbers', 'false')"
    return f"from_json(cast(value as string), '{spark_ddl(event_type)}', {options})"


def invalid_sql(event_type: type[Event], parsed: str) -> str:
    """Return a boolean SQL expression, never null: the record is not a valid event.

    Parameters
    ----------
    event_type
        What the topic carries.
    parsed
        The column that holds `parse_sql`; beside it the Kafka columns `key`, `value` and `timestamp`.
    """
    valid = " and ".join([*_envelope_checks(event_type, parsed), *_field_checks(event_type, parsed)])
    return f"not coalesce({valid}, false)"


def reason_sql(event_type: type[Event], parsed: str) -> str:
    """Return SQL for why a record is invalid: a struct of `reason` (of `models.rejections.REASONS`) and `detail`."""
    cases = [
        *_envelope_reasons(event_type),
        *_field_reasons(event_type, parsed),
        *_key_reasons(event_type, parsed),
    ]
    whens = " ".join(f"when {condition} then {_why(reason, detail)}" for condition, reason, detail in cases)
    return f"case {whens} else {_why(rejections.WRONG_TYPE, 'a field has another type')} end"


_TEXT: Final = "cast(value as string)"
_ESCAPES: Final = f"contains({_TEXT}, '\\\\')"
"""A backslash: any text may stand there by its escapes."""

_NOT_FINITE: Final = NOT_FINITE_PATTERN.replace("\\", "\\\\")


def _envelope_checks(event_type: type[Event], parsed: str) -> list[str]:
    return [
        f"length(value) <= {MAX_EVENT_BYTES}",
        f"startswith(ltrim({_TEXT}), '{{')",
        f"{parsed}.type = '{_tag(event_type)}'",
        f"cast(key as string) = {parsed}.{event_type.key_field}",
        f"{parsed}.event_time <= unix_millis(timestamp) + {FUTURE_TOLERANCE_MS}",
        f"forall(json_object_keys({_TEXT}), k -> k in ({_known_names(event_type)}))",
    ]


def _field_checks(event_type: type[Event], parsed: str) -> list[str]:
    checks = []
    for f in fields(event_type):
        column = f"{parsed}.{f.name}"
        conditions = [*_bounds(f, column), *([_is_json_text(f.name)] if f.plain is str else [])]
        present = " and ".join([f"{column} is not null", *conditions])
        absent_ok = f"({_says_not(f.name)} or get_json_object({_TEXT}, '$.{f.name}') is null)"
        checks.append(
            f"(case when {column} is null then {absent_ok} else {present} end)" if f.optional else present
        )
    return checks


def says(text: str) -> str:
    """Return a cheap condition on the Kafka column `value`, true wherever this stands in it as a JSON text."""
    return f"(contains({_TEXT}, '\"{text}\"') or {_ESCAPES})"


def _says_not(name: str) -> str:
    """Return a cheap condition that is true only where no field of this name stands: it saves parsing once more."""
    return f"not {says(name)}"


def _envelope_reasons(event_type: type[Event]) -> list[tuple[str, str, str]]:
    names = f"json_object_keys({_TEXT})"
    kind = f"get_json_object({_TEXT}, '$.type')"
    known = f"k -> k in ({_known_names(event_type)})"
    return [
        ("value is null or length(value) = 0", rejections.EMPTY, "the value is empty"),
        (
            f"length(value) > {MAX_EVENT_BYTES}",
            rejections.TOO_LARGE,
            f"at most {MAX_EVENT_BYTES} bytes are taken",
        ),
        (f"startswith(ltrim({_TEXT}), '[')", rejections.WRONG_TYPE, "an array where an object should be"),
        (
            f"{names} is null and {_TEXT} rlike '{_NOT_FINITE}'",
            rejections.NOT_FINITE,
            "NaN is no JSON number",
        ),
        (f"{names} is null", rejections.MALFORMED_JSON, "the value is not a JSON object"),
        (f"{kind} is null", rejections.MISSING_FIELD, "at $.type"),
        (
            f"{kind} <> '{_tag(event_type)}'",
            rejections.UNKNOWN_TYPE,
            f"this topic carries {_tag(event_type)}",
        ),
        (
            f"not forall({names}, {known})",
            rejections.UNKNOWN_FIELD,
            f"a {_tag(event_type)} has no such field",
        ),
    ]


def _field_reasons(event_type: type[Event], parsed: str) -> list[tuple[str, str, str]]:
    names = f"json_object_keys({_TEXT})"
    cases = []
    for f in fields(event_type):
        column, where = f"{parsed}.{f.name}", f"at $.{f.name}"
        if not f.optional:
            cases.append((f"not array_contains({names}, '{f.name}')", rejections.MISSING_FIELD, where))
        if f.name == event_type.key_field:
            cases.append((f"get_json_object({_TEXT}, '$.{f.name}') is null", rejections.NULL_KEY, where))
        if f.plain is str:
            cases.append((f"not {_is_json_text(f.name)}", rejections.WRONG_TYPE, where))
        if not f.optional:
            cases.append((f"{column} is null", rejections.WRONG_TYPE, where))
        cases.extend((f"not ({bound})", rejections.OUT_OF_RANGE, where) for bound in _bounds(f, column))
    return cases


def _key_reasons(event_type: type[Event], parsed: str) -> list[tuple[str, str, str]]:
    key = event_type.key_field
    future = f"{parsed}.event_time > unix_millis(timestamp) + {FUTURE_TOLERANCE_MS}"
    return [
        ("key is null", rejections.NULL_KEY, "the Kafka key is null"),
        (f"cast(key as string) <> {parsed}.{key}", rejections.KEY_MISMATCH, f"the Kafka key is not $.{key}"),
        (
            future,
            rejections.FUTURE_EVENT_TIME,
            "event_time is later than the Kafka timestamp: at $.event_time",
        ),
    ]


def _why(reason: str, detail: str) -> str:
    return f"named_struct('reason', '{reason}', 'detail', '{detail}')"


def _is_json_text(name: str) -> str:
    compact = f'contains({_TEXT}, \'"{name}":"\')'
    return f'({compact} or {_TEXT} rlike \'"{name}"\\\\s*:\\\\s*"\')'


def _bounds(field: Field, column: str) -> list[str]:
    meta = field.meta
    size = f"size({column})" if get_origin(field.plain) is dict else f"char_length({column})"
    limits = [
        (column, ">=", meta.ge),
        (column, "<=", meta.le),
        (size, ">=", meta.min_length),
        (size, "<=", meta.max_length),
    ]
    texts = [f"{what} {operator} {limit!r}" for what, operator, limit in limits if limit is not None]
    return texts + ([f"{column} rlike '{meta.pattern}'"] if meta.pattern else [])


def _known_names(event_type: type[Event]) -> str:
    return ", ".join(f"'{name}'" for name in ["type", *event_type.__struct_fields__])


def _tag(event_type: type[Event]) -> str:
    return str(event_type.__struct_config__.tag)


def _defaulted(event_type: type[Event]) -> set[str]:
    count = len(event_type.__struct_defaults__)
    names = event_type.__struct_fields__[-len(event_type.__struct_defaults__) :] if count else ()
    values = zip(names, event_type.__struct_defaults__, strict=True)
    return {name for name, value in values if value is None}


def _field(name: str, hint: Any, optional: bool) -> Field:  # noqa: FBT001 - a fact about the field, set in one place
    plain, meta = _strip(hint)
    return Field(name, plain, meta or Meta(), optional)


def _strip(hint: Any) -> tuple[Any, Meta | None]:
    if get_origin(hint) is Annotated:
        plain, *extras = get_args(hint)
        return plain, next((e for e in extras if isinstance(e, Meta)), None)
    if get_origin(hint) in (Union, UnionType):
        return _strip(next(a for a in get_args(hint) if a is not type(None)))
    return hint, None
