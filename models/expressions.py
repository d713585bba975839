"""Row expressions: typed Spark SQL text over the fields of one event.

An expression knows its SQL, its kind and the fields it reads, so that a spec can be checked when it is
declared. Dates are computed from the event time by integer arithmetic in UTC: the same anywhere.
"""

from dataclasses import dataclass
from typing import Final, Literal

from models.errors import RefuseSpecError

Kind = Literal["number", "boolean", "text"]

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday; Monday is 0


@dataclass(frozen=True, eq=False)
class Expression:
    """Spark SQL text with its kind, the event fields that it reads, and whether it may be null."""

    sql: str
    kind: Kind
    fields: frozenset[str]
    nullable: bool = False

    def __add__(self, other: "Expression | float") -> "Expression":
        return _arithmetic(self, "+", other)

    def __sub__(self, other: "Expression | float") -> "Expression":
        return _arithmetic(self, "-", other)

    def __mul__(self, other: "Expression | float") -> "Expression":
        return _arithmetic(self, "*", other)

    def __truediv__(self, other: "Expression | float") -> "Expression":
        left, right = _number(self), _number(_lift(other))
        return Expression(
            f"try_divide({left.sql}, {right.sql})", "number", left.fields | right.fields, nullable=True
        )

    def __ge__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, ">=", other)

    def __gt__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, ">", other)

    def __le__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, "<=", other)

    def __lt__(self, other: "Expression | float") -> "Expression":
        return _comparison(self, "<", other)

    def as_number(self) -> "Expression":
        """Return a boolean as 1.0 and 0.0; a number stays as it is."""
        if self.kind == "number":
            return self
        if self.kind == "boolean":
            return Expression(f"cast({self.sql} as double)", "number", self.fields, self.nullable)
        raise RefuseSpecError(f"text can't be a number: {self.sql}; encode it by a lookup or an encoder")


def field(name: str, kind: Kind = "number") -> Expression:
    """Return the event's field of this name."""
    sql = f"cast({name} as double)" if kind == "number" else name
    return Expression(sql, kind, frozenset({name}))


def hour_of_day() -> Expression:
    """Return the hour of the event time with its fraction, 0 to 24, UTC."""
    return Expression(f"(pmod(event_time, {_DAY_MS}) / {_HOUR_MS}D)", "number", frozenset({"event_time"}))


def day_of_week() -> Expression:
    """Return the day of the week of the event time, Monday 0 to Sunday 6, UTC."""
    sql = f"cast(pmod(event_time div {_DAY_MS} + {_EPOCH_WEEKDAY}, 7) as double)"
    return Expression(sql, "number", frozenset({"event_time"}))


def _lift(value: "Expression | float") -> Expression:
    return value if isinstance(value, Expression) else Expression(f"{float(value)!r}D", "number", frozenset())


def _number(expression: Expression) -> Expression:
    if expression.kind == "text":
        raise RefuseSpecError(f"arithmetic needs numbers, {expression.sql} is text")
    return expression.as_number()


def _arithmetic(left: Expression, operator: str, right: "Expression | float") -> Expression:
    a, b = _number(left), _number(_lift(right))
    return Expression(
        f"({a.sql} {operator} {b.sql})", "number", a.fields | b.fields, a.nullable or b.nullable
    )


def _comparison(left: Expression, operator: str, right: "Expression | float") -> Expression:
    a, b = _number(left), _number(_lift(right))
    return Expression(
        f"({a.sql} {operator} {b.sql})", "boolean", a.fields | b.fields, a.nullable or b.nullable
    )
