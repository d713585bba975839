"""Turns a source's rows into what is offered to the door, as a mapping says."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Columns
from typing import Any, Final, NamedTuple

from ingest.conversions import BY_KIND, Convert, Held, text, time_reader
from ingest.errors import RefuseInputError
from ingest.fields import Kind, field_kinds
from ingest.mapping import ColumnRule, ColumnsRule, ConstantRule, Mapping, Rule, TemplateRule
from ingest.tokens import Tokenizer
from models import rejections
from models.errors import RejectEventError
from models.events import EVENT_TYPES, Event, Label, Transaction

Row = Sequence[Any]
Read = Callable[[Row], Any]

LABEL_PREFIX: Final = "L-"
"""A label's event id is its transaction's with this in front."""

MS_PER_DAY: Final = 86_400_000


class Shape(NamedTuple):
    """What a source's rows look like: the columns in order, and what those that hold timestamps hold."""

    columns: tuple[str, ...]
    held: Columns[str, Held]


def mapped_columns(mapping: Mapping) -> list[str]:
    """Return the columns that a mapping reads, each once."""
    rules = [*mapping.fields.values(), *([mapping.label.fraud] if mapping.label else [])]
    return list(dict.fromkeys([mapping.time.column, *(c for rule in rules for c in _columns(rule))]))


def optional_columns(mapping: Mapping) -> set[str]:
    """Return those of them that a row may lack: measurements."""
    rules = mapping.fields.values()
    return {c for rule in rules if isinstance(rule, ColumnsRule) for c in rule.by_name.values()}


def token_columns(mapping: Mapping) -> set[str]:
    """Return the columns that hold card numbers."""
    return {rule.column for rule in mapping.fields.values() if isinstance(rule, ColumnRule) and rule.tokenise}


class RowMapper:
    """Makes events of rows.

    Parameters
    ----------
    shape
        The rows' columns.
    tokenizer
        For the columns that the mapping tokenises.
    """

    def __init__(self, mapping: Mapping, shape: Shape, tokenizer: Tokenizer) -> None:
        at = _positions(mapping, shape)
        kinds = field_kinds(mapping.event)
        self._type: Callable[..., Event] = EVENT_TYPES[mapping.event]
        self._time = at[mapping.time.column]
        self._read_time = time_reader(mapping.time, shape.held.get(mapping.time.column, "values"))
        self._reads = {
            name: _reader(rule, kinds[name], at, tokenizer) for name, rule in mapping.fields.items()
        }
        self._fraud = _reader(mapping.label.fraud, "flag", at, tokenizer) if mapping.label else None
        self._delay_ms = round(mapping.label.delay_days * MS_PER_DAY) if mapping.label else 0
        self._masked = {at[column] for column in token_columns(mapping)}
        self._tokenizer = tokenizer
        self._columns = shape.columns

    def time(self, row: Row) -> int | None:
        """Return the row's event time, milliseconds since the epoch; `RejectEventError` when it has none."""
        try:
            time: int | None = self._read_time(row[self._time])
        except (ValueError, OverflowError) as error:
            raise _wrong(f"column {self._columns[self._time]}", error) from error
        return time

    def event(self, row: Row, time: int | None) -> Event:
        """Return the row's event, not yet checked; `RejectEventError` when a value can't be converted."""
        try:
            return self._type(event_time=time, **{name: read(row) for name, read in self._reads.items()})
        except (ValueError, OverflowError) as error:
            raise self._explain(row, error) from error

    def label(self, row: Row, transaction: Transaction) -> Label | None:
        """Return the label that becomes known later; None when the mapping or the row has no verdict."""
        if self._fraud is None:
            return None
        try:
            fraud = self._fraud(row)
        except ValueError as error:
            raise _wrong("label.fraud", error) from error
        return None if fraud is None else label_of(transaction, fraud=fraud, delay_ms=self._delay_ms)

    def shown(self, row: Row) -> dict[str, Any]:
        """Return the row by column, card numbers replaced by their tokens, for a dead letter."""
        return {
            column: self._hidden(value) if at in self._masked else value
            for at, (column, value) in enumerate(zip(self._columns, row, strict=False))
        }

    def _hidden(self, value: Any) -> str | None:
        return None if value is None else self._tokenizer.token(str(value))

    def _explain(self, row: Row, error: Exception) -> RejectEventError:
        for name, read in self._reads.items():
            try:
                read(row)
            except (ValueError, OverflowError) as found:
                return _wrong(f"field {name}", found)
        return _wrong("the row", error)


def label_of(transaction: Transaction, *, fraud: bool, delay_ms: int) -> Label:
    """Return the verdict on a transaction, known `delay_ms` milliseconds after it."""
    return Label(
        event_id=LABEL_PREFIX + transaction.event_id,
        event_time=transaction.event_time + delay_ms,
        transaction_id=transaction.event_id,
        card=transaction.card,
        terminal=transaction.terminal,
        fraud=fraud,
    )


def _columns(rule: Rule) -> Sequence[str]:
    match rule:
        case ColumnRule():
            return [rule.column]
        case TemplateRule():
            return rule.columns
        case ColumnsRule():
            return list(rule.by_name.values())
        case ConstantRule():
            return []


def _positions(mapping: Mapping, shape: Shape) -> dict[str, int]:
    at = {column: index for index, column in enumerate(shape.columns)}
    missing = [column for column in mapped_columns(mapping) if column not in at]
    if missing:
        raise RefuseInputError(
            f"the mapping names columns that are not there: {', '.join(missing)}; "
            f"there are {', '.join(shape.columns)}"
        )
    return at


def _reader(rule: Rule, kind: Kind, at: Columns[str, int], tokenizer: Tokenizer) -> Read:
    match rule:
        case ColumnRule():
            return _column_reader(at[rule.column], _finished(rule, BY_KIND[kind], tokenizer))
        case ConstantRule():
            value = float(rule.constant) if kind == "number" and type(rule.constant) is int else rule.constant
            return lambda _row: value
        case TemplateRule():
            return _template_reader(rule, at)
        case ColumnsRule():
            return _columns_reader({name: at[column] for name, column in rule.by_name.items()})


def _column_reader(index: int, convert: Convert) -> Read:
    return lambda row: convert(row[index])


def _finished(rule: ColumnRule, convert: Convert, tokenizer: Tokenizer) -> Convert:
    token, prefix = tokenizer.token, rule.prefix

    def finish(value: Any) -> str | None:
        found = convert(value)
        if found is None:
            return None
        return prefix + (token(found) if rule.tokenise else found)

    return finish if rule.tokenise or prefix else convert


def _template_reader(rule: TemplateRule, at: Columns[str, int]) -> Read:
    def read(row: Row) -> str:
        return "".join(literal + _filled(row, name, at) for literal, name in rule.parts)

    return read


def _filled(row: Row, column: str | None, at: Columns[str, int]) -> str:
    if column is None:
        return ""
    value = text(row[at[column]])
    if value is None:
        raise ValueError(f"column {column} is null")
    return value


def _columns_reader(at: Columns[str, int]) -> Read:
    number = BY_KIND["number"]
    return lambda row: {name: number(row[index]) for name, index in at.items()}


def _wrong(where: str, error: Exception) -> RejectEventError:
    return RejectEventError(rejections.WRONG_TYPE, f"{where}: {error}")
