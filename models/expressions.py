"""Row expressions: what a spec computes from one event, as Spark SQL text and as plain Python.

An expression knows its SQL, its kind, what it reads and whether it may be null, so that a spec can be
checked when it is declared; and how to evaluate itself, so that `models.reference` can compute the same
number without SQL. Null is taken through: an operation on null gives null. Dates are computed from the event
time by integer arithmetic in UTC: the same anywhere.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from models.errors import RefuseSpecError

Kind = Literal["number", "boolean", "text", "measurements"]
Nulls = Literal["never", "when a read is", "maybe"]
Row = Mapping[str, Any]
"""The fields of one event and the features computed so far, by name."""

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday; Monday is 0
_LARGEST_EXPONENT: Final = 709


@dataclass(frozen=True)
class Read:
    """A name that an expression reads: an event's field, one of its measurements, or another feature of the model."""

    name: str
    kind: Kind
    feature: bool = False
    measurement: str | None = None


@dataclass(frozen=True, eq=False)
class Expression:
    """A value per event.

    Parameters
    ----------
    sql
        Spark SQL text; a feature that is read stands in it as `{name}`.
    kind
        What the value is.
    reads
        The fields and features that it reads.
    evaluate
        The same in Python; None is null.
    nulls
        Whether it may be null.
    """

    sql: str
    kind: Kind
    reads: frozenset[Read]
    evaluate: Callable[[Row], Any]
    nulls: Nulls = "when a read is"

    def __add__(self, other: "Expression | float") -> "Expression":
        return _arithmetic(self, "+", other, operator.add)

    def __radd__(self, other: float) -> "Expression":
        return _lift(other) + self

    def __sub__(self, other: "Expression | float") -> "Expression":
        return _arithmetic(self, "-", other, operator.sub)

    def __rsub__(self, other: float) -> "Expression":
        return _lift(other) - self

    def __mul__(self, other: "Expression | float") -> "Expression":
        return _arithmetic(self, "*", other, operator.mul)

    def __rmul__(self, other: float) -> "Expression":
        return _lift(other) * self

    def __truediv__(self, other: "Expression | float") -> "Expression":
        a, b = _number(self), _number(_lift(other))
        nulls: Nulls = "never" if isinstance(other, int | float) and other != 0 else "maybe"
        return _combined(f"try_divide({a.sql}, {b.sql})", "number", _quotient, a, b, nulls=nulls)

    def __rtruediv__(self, other: float) -> "Expression":
        return _lift(other) / self

    def __neg__(self) -> "Expression":
        return 0.0 - self

    def __ge__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, ">=", other, operator.ge)

    def __gt__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, ">", other, operator.gt)

    def __le__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, "<=", other, operator.le)

    def __lt__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, "<", other, operator.lt)

    def __eq__(self, other: object) -> "Expression":  # type: ignore[override] # an expression, as in pandas
        return _equality(self, "=", other, operator.eq)

    def __ne__(self, other: object) -> "Expression":  # type: ignore[override] # an expression, as in pandas
        return _equality(self, "<>", other, operator.ne)

    __hash__ = object.__hash__

    def __and__(self, other: "Expression") -> "Expression":
        return _logic(self, "and", other, lambda a, b: a and b)

    def __or__(self, other: "Expression") -> "Expression":
        return _logic(self, "or", other, lambda a, b: a or b)

    def __invert__(self) -> "Expression":
        return _combined(f"(not {_boolean(self).sql})", "boolean", operator.not_, self)

    def __bool__(self) -> bool:
        raise RefuseSpecError(
            f"{self.sql} has no truth value before there is an event: combine conditions by &, | and ~, in parentheses"
        )

    def as_number(self) -> "Expression":
        """Return a boolean as 1.0 and 0.0; a number stays as it is."""
        if self.kind == "number":
            return self
        if self.kind == "boolean":
            return _combined(f"cast({self.sql} as double)", "number", float, self)
        raise RefuseSpecError(f"text can't be a number: {self.sql}; encode it by a lookup or an encoder")


def field(name: str, kind: Kind = "number") -> Expression:
    """Return the event's field of this name."""
    sql = f"cast({name} as double)" if kind == "number" else name
    take = _as_float if kind == "number" else _as_it_is
    return Expression(sql, kind, frozenset({Read(name, kind)}), lambda row: take(row[name]))


def measurement(name: str) -> Expression:
    """Return one of a reading's measurements; null where the reading has none of this name."""
    reads = frozenset({Read("measurements", "measurements", measurement=name)})
    return Expression(
        measured_column(name), "number", reads, lambda row: _as_float(row["measurements"].get(name)), "maybe"
    )


def measured_column(name: str) -> str:
    """Return the column that holds this measurement in a query."""
    return f"measured_{name}" if re.fullmatch(r"[a-z0-9_]+", name) else f"measured__{name.encode().hex()}"


def measured_sql(name: str) -> str:
    """Return the measurement as SQL over the reading's fields."""
    return f"measurements[{quoted(name)}]"


def feature(name: str) -> Expression:
    """Return the value of another feature of the same model."""
    reads = frozenset({Read(name, "number", feature=True)})
    return Expression(f"{{{name}}}", "number", reads, lambda row: row[name])


def hour_of_day() -> Expression:
    """Return the hour of the event time with its fraction, 0 to 24, UTC."""
    return _of_time(f"(pmod(event_time, {_DAY_MS}) / {_HOUR_MS}D)", lambda t: t % _DAY_MS / _HOUR_MS)


def day_of_week() -> Expression:
    """Return the day of the week of the event time, Monday 0 to Sunday 6, UTC."""
    sql = f"cast(pmod(event_time div {_DAY_MS} + {_EPOCH_WEEKDAY}, 7) as double)"
    return _of_time(sql, lambda t: float((t // _DAY_MS + _EPOCH_WEEKDAY) % 7))


def log(value: Expression) -> Expression:
    """Return the natural logarithm; null where it is undefined."""
    a = _number(value)
    return _combined(f"ln({a.sql})", "number", lambda x: math.log(x) if x > 0 else None, a, nulls="maybe")


def sqrt(value: Expression) -> Expression:
    """Return the square root; null below zero."""
    a = _number(value)
    sql = f"(case when {a.sql} >= 0D then sqrt({a.sql}) end)"
    return _combined(sql, "number", lambda x: math.sqrt(x) if x >= 0 else None, a, nulls="maybe")


def exp(value: Expression) -> Expression:
    """Return e to this power; null where it exceeds a double."""
    a = _number(value)
    sql = f"(case when {a.sql} <= {_LARGEST_EXPONENT}D then exp({a.sql}) end)"
    return _combined(
        sql, "number", lambda x: math.exp(x) if x <= _LARGEST_EXPONENT else None, a, nulls="maybe"
    )


def sine(angle: Expression) -> Expression:
    """Return the sine of an angle in radians."""
    a = _number(angle)
    return _combined(f"sin({a.sql})", "number", math.sin, a)


def cosine(angle: Expression) -> Expression:
    """Return the cosine of an angle in radians."""
    a = _number(angle)
    return _combined(f"cos({a.sql})", "number", math.cos, a)


def absolute(value: Expression) -> Expression:
    """Return the absolute value."""
    a = _number(value)
    return _combined(f"abs({a.sql})", "number", abs, a)


def is_null(value: Expression) -> Expression:
    """Return whether the value is null; never null itself."""
    return Expression(
        f"({value.sql} is null)", "boolean", value.reads, lambda row: value.evaluate(row) is None, "never"
    )


def where(
    condition: Expression, then: Expression | float, otherwise: Expression | float | None
) -> Expression:
    """Return `then` where the condition holds, else `otherwise` (None: null); a null condition does not hold."""
    a, b = _boolean(condition), _number(_lift(then))
    c = _NULL if otherwise is None else _number(_lift(otherwise))
    return Expression(
        f"(case when {a.sql} then {b.sql} else {c.sql} end)",
        "number",
        a.reads | b.reads | c.reads,
        lambda row: b.evaluate(row) if a.evaluate(row) else c.evaluate(row),
        _either(b, c),
    )


def coalesce(value: Expression, default: float) -> Expression:
    """Return the value, or the default where it is null; never null."""
    a, number = _number(value), float(default)
    sql = f"coalesce({a.sql}, {_literal(number)})"
    return Expression(
        sql, "number", a.reads, lambda row: number if (x := a.evaluate(row)) is None else x, "never"
    )


def lookup(value: Expression, table: Mapping[str, float], default: float | None = None) -> Expression:
    """Return the number that stands for this text.

    Parameters
    ----------
    value
        A text.
    table
        Text -> number.
    default
        For a text that is not in the table, and for null; null if left out.

    Raises
    ------
    RefuseSpecError
        When the value is no text, or the table is empty.
    """
    if value.kind != "text" or not table:
        raise RefuseSpecError(f"a lookup needs a text and a table of texts, {value.sql} is a {value.kind}")
    cases = " ".join(f"when {quoted(text)} then {_literal(number)}" for text, number in table.items())
    other = "cast(null as double)" if default is None else _literal(default)
    return Expression(
        f"(case {value.sql} {cases} else {other} end)",
        "number",
        value.reads,
        lambda row: table.get(value.evaluate(row), default),
        nulls="never" if default is not None else "maybe",
    )


_NULL: Final = Expression("cast(null as double)", "number", frozenset(), lambda _: None, "maybe")


def _literal(value: float) -> str:
    if not math.isfinite(value):
        raise RefuseSpecError(f"{value} is not a finite number")
    return f"{float(value)!r}D"


def quoted(text: str) -> str:
    """Return a text as a SQL literal that no template takes for a name."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "\\u007b").replace("}", "\\u007d")
    return f"'{escaped}'"


def _lift(value: "Expression | float") -> Expression:
    if isinstance(value, Expression):
        return value
    number = float(value)
    return Expression(_literal(number), "number", frozenset(), lambda _: number, "never")


def _of_time(sql: str, evaluate: Callable[[int], float]) -> Expression:
    return Expression(
        sql, "number", frozenset({Read("event_time", "number")}), lambda row: evaluate(row["event_time"])
    )


def _number(expression: Expression) -> Expression:
    if expression.kind == "text":
        raise RefuseSpecError(f"arithmetic needs numbers, {expression.sql} is text")
    return expression.as_number()


def _boolean(expression: Expression) -> Expression:
    if expression.kind != "boolean":
        raise RefuseSpecError(
            f"a condition is needed, {expression.sql} is a {expression.kind}: compare it with something"
        )
    return expression


def _combined(
    sql: str, kind: Kind, apply: Callable[..., Any], *operands: Expression, nulls: Nulls = "never"
) -> Expression:
    def evaluate(row: Row) -> Any:
        values = [operand.evaluate(row) for operand in operands]
        return None if None in values else apply(*values)

    reads = frozenset[Read]().union(*(operand.reads for operand in operands))
    return Expression(sql, kind, reads, evaluate, nulls if nulls == "maybe" else _either(*operands))


def _either(*operands: Expression) -> Nulls:
    found = {operand.nulls for operand in operands}
    return "maybe" if "maybe" in found else "when a read is" if "when a read is" in found else "never"


def _arithmetic(
    left: Expression, sign: str, right: Expression | float, apply: Callable[[Any, Any], Any]
) -> Expression:
    a, b = _number(left), _number(_lift(right))
    return _combined(f"({a.sql} {sign} {b.sql})", "number", apply, a, b)


def _comparison(
    left: Expression, sign: str, right: Expression | float, apply: Callable[[Any, Any], Any]
) -> Expression:
    a, b = _number(left), _number(_lift(right))
    return _combined(f"({a.sql} {sign} {b.sql})", "boolean", apply, a, b)


def _equality(left: Expression, sign: str, right: Any, apply: Callable[[Any, Any], Any]) -> Expression:
    if left.kind != "text":
        return _comparison(left, sign, right, apply)
    if isinstance(right, str):
        right = _text(right)
    if not isinstance(right, Expression) or right.kind != "text":
        raise RefuseSpecError(f"{left.sql} is text: compare it with text, not with {right!r}")
    return _combined(f"({left.sql} {sign} {right.sql})", "boolean", apply, left, right)


def _text(text: str) -> Expression:
    return Expression(quoted(text), "text", frozenset(), lambda _: text, "never")


def _logic(left: Expression, word: str, right: Expression, apply: Callable[[Any, Any], Any]) -> Expression:
    a, b = _boolean(left), _boolean(right)
    return _combined(
        f"(coalesce({a.sql}, false) {word} coalesce({b.sql}, false))",
        "boolean",
        apply,
        _known(a),
        _known(b),
    )


def _known(condition: Expression) -> Expression:
    return Expression(
        condition.sql, "boolean", condition.reads, lambda row: bool(condition.evaluate(row)), "never"
    )


def _quotient(dividend: float, divisor: float) -> float | None:
    return dividend / divisor if divisor else None


def _as_float(value: Any) -> float | None:
    return None if value is None else float(value)


def _as_it_is(value: Any) -> Any:
    return value
