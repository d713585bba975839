"""Decision trees as SQL: one column per tree holds the number of the leaf, everything else is looked up by it.

A look-up table per tree gives the score, one per tree and feature what the feature adds. A tree is a nested
`if`: Spark splits it into small methods, which Java's compiler takes (it refuses methods over 8,000 bytecodes).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import RefuseSpecError
from models.estimators.sheet import Column, Sheet, depth
from models.estimators.sql import NAN, double, in_order, is_missing, table, total

MAX_LEAVES: Final = 40_000
"""More leaves take Spark too long to plan at the end of each interval."""


_BITS: Final = 63
"""Codes per bigint, which stays positive."""


@dataclass(frozen=True)
class Leaf:
    """Where a row ends: its value and the weight of the training rows that ended here."""

    value: float
    weight: float


@dataclass(frozen=True)
class Split:
    """Where a row turns left when `test` holds. `column` is the number of the column that is tested."""

    test: str
    column: int
    left: "Node"
    right: "Node"


Node = Leaf | Split


@dataclass(frozen=True)
class Sum:
    """The sum of the values of all trees, and what each feature adds to it; empty where columns mix features."""

    sql: str
    contributions: dict[str, str]
    level: int


class Probe:
    """Makes the tests of splits: null and NaN go where scikit-learn sends missing values.

    Parameters
    ----------
    columns
        What the trees were fitted on.
    sheet
        Where the tested columns are defined.
    single
        Whether values are rounded to float32 before a test, as all trees but HistGradientBoosting do.
    """

    def __init__(self, columns: Sequence[Column], sheet: Sheet, *, single: bool) -> None:
        self.columns = [sheet.kept(c) for c in columns]
        self.level = depth(self.columns) + 1
        self._sheet = sheet
        self._single = single

    def at_most(self, column: int, threshold: float, *, missing_left: bool) -> str:
        """Return the test `column <= threshold`."""
        source = self.columns[column]
        value = f"cast(cast({source.sql} as float) as double)" if self._single else source.sql
        # Spark orders NaN above all numbers: it goes right by itself
        sql = (
            f"if({is_missing(source.sql)}, double('-Infinity'), {value})"
            if missing_left
            else f"coalesce({value}, {NAN})"
        )
        return f"{self._sheet.define(sql, source.level)} <= {double(threshold)}"

    def one_of(self, column: int, left: Sequence[bool]) -> str:
        """Return the test whether a code 0..n-1 is one that goes left; `left` ends with where missing goes."""
        source, missing = self.columns[column], len(left) - 1
        code = f"cast(coalesce(nanvl({source.sql}, {missing}D), {missing}D) as int)"
        name = self._sheet.define(code, source.level)
        return f"getbit({_word(left, name)}, {name} % {_BITS}) = 1"


def add_up(
    trees: Sequence[Node], probe: Probe, sheet: Sheet, *, start: str | None = None, scale: float = 1.0
) -> Sum:
    """Compile trees to the sum of their leaves' values, added in their order, as scikit-learn does.

    Parameters
    ----------
    trees
        In order.
    probe, sheet
        Made the tests; takes the leaf numbers.
    start
        SQL of what the trees are added to.
    scale
        What the estimator multiplies the sum by: contributions are multiplied by it.

    Raises
    ------
    RefuseSpecError
        When there are too many leaves.
    """
    _check_size(trees)
    values = [start] if start else []
    pushes: dict[str, list[str]] = {}
    names = [c.feature for c in probe.columns]
    for tree in trees:
        leaves = list(_leaves(tree))
        if isinstance(tree, Leaf):
            values.append(double(tree.value))
            continue
        number = sheet.define(_number(tree, iter(range(len(leaves)))), probe.level)
        values.append(table([leaf.value for leaf in leaves], number))
        for feature, added in _pushes(tree, names).items():
            pushes.setdefault(feature, []).append(table([float(f"{v * scale:.14g}") for v in added], number))
    contributions = {} if None in _used(trees, names) else {f: total(terms) for f, terms in pushes.items()}
    return Sum(in_order(values), contributions, probe.level + 1)


def _word(left: Sequence[bool], name: str) -> str:
    """Return the bigint that holds the bit of the code."""
    words = [
        sum(1 << i for i, flag in enumerate(left[start : start + _BITS]) if flag)
        for start in range(0, len(left), _BITS)
    ]
    sql = f"{words[-1]}L"
    for i in range(len(words) - 2, -1, -1):
        sql = f"if({name} < {(i + 1) * _BITS}, {words[i]}L, {sql})"
    return sql


def _check_size(trees: Sequence[Node]) -> None:
    leaves = sum(1 for tree in trees for _ in _leaves(tree))
    if leaves > MAX_LEAVES:
        raise RefuseSpecError(
            f"the trees have {leaves} leaves, at most {MAX_LEAVES} can be compiled to SQL: lower max_depth, max_leaf_nodes or n_estimators"
        )


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    else:
        yield from _leaves(node.left)
        yield from _leaves(node.right)


def _number(node: Node, numbers: Iterator[int]) -> str:
    if isinstance(node, Leaf):
        return str(next(numbers))
    left = _number(node.left, numbers)
    return f"if({node.test}, {left}, {_number(node.right, numbers)})"


def _used(trees: Sequence[Node], names: Sequence[str | None]) -> set[str | None]:
    found: set[str | None] = set()
    stack = list(trees)
    while stack:
        node = stack.pop()
        if isinstance(node, Split):
            found.add(names[node.column])
            stack += [node.left, node.right]
    return found


def _pushes(tree: Node, names: Sequence[str | None]) -> dict[str, list[float]]:
    """Return for each feature what it adds on the way to each leaf: the changes of the node's mean value."""
    paths: list[dict[str, float]] = []

    def descend(node: Node, so_far: dict[str, float]) -> None:
        if isinstance(node, Leaf):
            paths.append(so_far)
            return
        here, feature = _mean(node)[0], names[node.column] or ""
        for child in (node.left, node.right):
            descend(child, {**so_far, feature: so_far.get(feature, 0.0) + _mean(child)[0] - here})

    descend(tree, {})
    features = dict.fromkeys(f for path in paths for f in path)
    return {feature: [path.get(feature, 0.0) for path in paths] for feature in features}


def _mean(node: Node) -> tuple[float, float]:
    if isinstance(node, Leaf):
        return node.value, node.weight
    (a, m), (b, n) = _mean(node.left), _mean(node.right)
    return ((a * m + b * n) / (m + n) if m + n else (a + b) / 2), m + n
