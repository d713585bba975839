"""What is compiled so far: the columns that a step takes and gives, and the layers that they are computed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.estimators.sql import double


@dataclass(frozen=True)
class Part:
    """A summand of a column that belongs to one feature: `weight * sql`, with the training mean of `sql`."""

    sql: str
    feature: str
    weight: float = 1.0
    mean: float = 0.0


@dataclass(frozen=True)
class Column:
    """One column of the matrix that a step takes.

    Parameters
    ----------
    sql
        Its value: a double (or text, before an encoder), null or NaN where missing.
    level
        How many layers it needs.
    parts
        Summands whose total differs from the column by a constant only; none where features mix otherwise.
    """

    sql: str
    level: int
    parts: tuple[Part, ...]

    @property
    def feature(self) -> str | None:
        """The only feature that the column comes from, or None."""
        names = {part.feature for part in self.parts}
        return names.pop() if len(names) == 1 else None

    def changed(self, sql: str, level: int | None = None) -> "Column":
        """Return any function of this column."""
        parts = (Part(sql, self.feature),) if self.feature else ()
        return Column(sql, self.level if level is None else level, parts)

    def scaled(self, centre: float, scale: float, mean: float | None = None) -> "Column":
        """Return `(column - centre) / scale`; `mean` is the training mean of this column, where it is known."""
        sql = self.sql
        if centre != 0:
            sql = f"({sql} - {double(centre)})"
        if scale != 1:
            sql = f"({sql} / {double(scale)})"
        if len(self.parts) != 1:
            return Column(sql, self.level, tuple(replace(p, weight=p.weight / scale) for p in self.parts))
        moved = self.changed(sql)
        known = 0.0 if mean is None else (mean - centre) / scale
        return replace(moved, parts=tuple(replace(p, mean=known) for p in moved.parts))


@dataclass(frozen=True)
class Output:
    """What a predictor becomes.

    Parameters
    ----------
    score
        SQL of the probability, prediction or strangeness.
    response
        SQL of what a calibrator around it would take: the decision function where there is one.
    unit
        What the contributions are measured in; only equal units can be averaged.
    contributions
        Feature -> SQL.
    level
        How many layers score, contributions and outputs need.
    outputs
        What it says beside the score: name -> SQL.
    """

    score: str
    response: str
    unit: str
    contributions: dict[str, str]
    level: int
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def additive(self) -> bool:
        """Whether the contributions differ from the response by a constant."""
        return self.unit == "value" or self.response != self.score


@dataclass(frozen=True)
class Inputs:
    """The columns that a predictor takes and, where known, the rows that it was fitted on."""

    columns: list[Column]
    rows: Any | None = None


class Sheet:
    """The layers under construction.

    Parameters
    ----------
    transform
        Compiles a nested transformer.
    predict
        Compiles a nested predictor.
    """

    def __init__(
        self,
        transform: Callable[[Any, Sequence[Column], "Sheet"], list[Column]],
        predict: Callable[[Any, Inputs, "Sheet"], Output],
    ) -> None:
        self.layers: list[dict[str, str]] = []
        self._names: dict[str, str] = {}
        self._transform = transform
        self._predict = predict

    def define(self, sql: str, level: int) -> str:
        """Return the name of a column with this value, which needs `level` layers below it; one level up."""
        if sql not in self._names:
            self.layers += [{} for _ in range(level + 1 - len(self.layers))]
            self._names[sql] = f"_v{len(self._names)}"
            self.layers[level][self._names[sql]] = sql
        return self._names[sql]

    def kept(self, column: Column) -> Column:
        """Return the column under a name, so that many may read it at the cost of one."""
        if column.sql.isidentifier():
            return column
        name = self.define(column.sql, column.level)
        parts = tuple(replace(p, sql=name) if p.sql == column.sql else p for p in column.parts)
        return Column(name, column.level + 1, parts)

    def transform(self, step: Any, columns: Sequence[Column]) -> list[Column]:
        """Compile a nested transformer."""
        return self._transform(step, columns, self)

    def predict(self, estimator: Any, inputs: Inputs) -> Output:
        """Compile a nested predictor."""
        return self._predict(estimator, inputs, self)


def depth(columns: Sequence[Column]) -> int:
    """Return how many layers the columns need together."""
    return max((c.level for c in columns), default=0)
