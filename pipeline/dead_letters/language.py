"""The expressions of a fix: a small, closed language over the fields of one event.

An expression is written as in Python (`number(amount) / 100`, `default(terminal, "T0")`, `measurements.flow`),
but nothing of Python is run: the text is parsed, and only what is named here means something. There are
literals, fields, arithmetic, comparisons, `a if condition else b`, and the functions that are passed in.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.errors import RefuseUsageError

Evaluate = Callable[[Mapping[str, Any]], Any]
Functions = Mapping[str, Callable[..., Any]]

MAX_LENGTH: Final = 1_000
"""Longest expression, in characters."""

_CONSTANTS: Final = {"null": None, "true": True, "false": False}
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class NoValueError(ValueError):
    """The expression has no value for this event; the text says why."""


def compiled(text: str, functions: Functions) -> Evaluate:
    """Return what evaluates an expression on the fields of an event.

    Parameters
    ----------
    functions
        What may be called, by name; each takes values and raises `ValueError` for those that it can't take.

    Raises
    ------
    RefuseUsageError
        When the text is no expression of this language.
    """
    if len(text) > MAX_LENGTH:
        raise RefuseUsageError(f"an expression has at most {MAX_LENGTH} characters, this one {len(text)}")
    try:
        return _Compiler(text, functions).of(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefuseUsageError(f"{text!r} is no expression: {error}") from error


class _Compiler:
    """Turns a parsed expression into closures; what it does not know is refused."""

    def __init__(self, text: str, functions: Functions) -> None:
        self._text = text
        self._functions = functions

    def of(self, node: ast.expr) -> Evaluate:
        """Return what evaluates a part of the expression."""
        found = self._read(node) or self._computed(node) or self._called(node)
        if found is None:
            raise RefuseUsageError(
                f"{ast.unparse(node)} in {self._text!r} is not understood: use literals, fields, + - * / // %, "
                f"comparisons, `a if b else c`, default(a, b), and the functions {self._names()}"
            )
        return found

    def _read(self, node: ast.expr) -> Evaluate | None:
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, bool | int | float | str):
                return lambda _: value
            case ast.Name(id=name):
                return (lambda _: _CONSTANTS[name]) if name in _CONSTANTS else _field(name)
            case ast.Attribute(value=inner, attr=name):
                return _member(self.of(inner), name)
            case ast.Subscript(value=inner, slice=ast.Constant(value=str(name))):
                return _member(self.of(inner), name)
        return None

    def _computed(self, node: ast.expr) -> Evaluate | None:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                value = self.of(inner)
                return lambda row: -_number(value(row))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _arithmetic(_ARITHMETIC[type(op)], self.of(left), self.of(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return _comparison(_COMPARISONS[type(op)], self.of(left), self.of(right))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition, yes, no = map(self.of, (test, body, orelse))
                return lambda row: yes(row) if condition(row) else no(row)
        return None

    def _called(self, node: ast.expr) -> Evaluate | None:
        match node:
            case ast.Call(func=ast.Name(id="default"), args=[value, instead], keywords=[]):
                return _default(self.of(value), self.of(instead))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return _call(name, self._function(name), [self.of(arg) for arg in args])
        return None

    def _function(self, name: str) -> Callable[..., Any]:
        function = self._functions.get(name)
        if function is None:
            raise RefuseUsageError(
                f"there is no function {name!r} in {self._text!r}: there are {self._names()}"
            )
        return function

    def _names(self) -> str:
        return ", ".join(sorted(self._functions))


def _call(name: str, function: Callable[..., Any], arguments: list[Evaluate]) -> Evaluate:
    def call(row: Mapping[str, Any]) -> Any:
        values = [argument(row) for argument in arguments]
        try:
            return function(*values)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise NoValueError(f"{name}: {error}") from error

    return call


def _field(name: str) -> Evaluate:
    def take(row: Mapping[str, Any]) -> Any:
        if name not in row:
            raise NoValueError(f"there is no field {name}")
        return row[name]

    return take


def _member(inner: Evaluate, name: str) -> Evaluate:
    def take(row: Mapping[str, Any]) -> Any:
        held = inner(row)
        if not isinstance(held, Mapping) or name not in held:
            raise NoValueError(f"there is no {name} in it")
        return held[name]

    return take


def _default(value: Evaluate, instead: Evaluate) -> Evaluate:
    def take(row: Mapping[str, Any]) -> Any:
        try:
            found = value(row)
        except NoValueError:
            found = None
        return instead(row) if found is None or found == "" else found

    return take


def _arithmetic(apply: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    def compute(row: Mapping[str, Any]) -> Any:
        a, b = left(row), right(row)
        if apply is operator.add and isinstance(a, str) and isinstance(b, str):
            return a + b
        try:
            return apply(_number(a), _number(b))
        except ArithmeticError as error:
            raise NoValueError(str(error)) from error

    return compute


def _comparison(apply: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    def compare(row: Mapping[str, Any]) -> Any:
        try:
            return apply(left(row), right(row))
        except TypeError as error:
            raise NoValueError(str(error)) from error

    return compare


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoValueError(f"arithmetic needs numbers, not {type(value).__name__}: say number(...)")
    return value
