"""The layout of a query: one plan that computes the features of every version of a model that it serves.

Versions share what they have in common: a stage, an accumulator or a feature with the same SQL text exists
once. Of a layout, its *state* is what a checkpoint holds; a version whose features need no other state
is covered, and starts on the checkpoint as it is.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from models.errors import RefuseSpecError
from models.names import renamed
from models.plan import AGAIN, WINDOW_START, Plan, Stage
from models.windows import LandmarkWindows, landmark_windows

STATE_FORMAT: Final = 1
"""Raised when `processing` keeps something else per key for the same plan: older checkpoints no longer fit."""

_ROW: Final = frozenset({"fraud", "topic", "partition", "offset", "ingested_at", "t", "win", "event", AGAIN})
"""Columns that every row has beside its event's fields."""

_AGE: Final = re.compile(rf"event_time - {re.escape(WINDOW_START)}\) / (\d+)D")
"""A half-life in SQL text: every weight holds its own, of the accumulators only a slope's do."""

_SINCE_START: Final = "hll_sketch_agg"
"""What counts since the landmark means something else in other windows."""

Columns = dict[str, str]
"""Feature of a version -> column of the layout."""


def extended(layout: Plan, plan: Plan, version: str) -> tuple[Plan, Columns]:
    """Return the layout with all that this version's features need, and where each of them is found.

    Parameters
    ----------
    version
        Tells names apart that mean something else in the layout.

    Raises
    ------
    RefuseSpecError
        When both can't be computed in one query: other events, or windows that do not fit both.
    """
    windows = _windows(layout, plan)
    added = _Addition(layout, version)
    inputs = added.adopt_all(layout.inputs, plan.inputs)
    stages, position = list(layout.stages), 0
    for stage in plan.stages:
        position = _place(stages, stage, position)
        stages[position] = added.stage(stages[position], stage)
        position += 1
    row_values = dict(layout.row_values)
    for name, sql in plan.row_values.items():
        added.adopt(row_values, name, sql)
    columns = {name: added.names.get(name, name) for name in plan.features}
    merged = msgspec.structs.replace(
        layout,
        inputs=inputs,
        stages=stages,
        row_values=row_values,
        features=list(dict.fromkeys([*layout.features, *columns.values()])),
        stride_ms=windows.stride_ms,
        overlap_ms=windows.overlap_ms,
    )
    return merged, columns


def merged(plans: Mapping[str, Plan]) -> Plan:
    """Return one layout for all these versions, the first one's names unchanged.

    Parameters
    ----------
    plans
        Version -> plan; at least one.

    Raises
    ------
    RefuseSpecError
        When they can't be computed in one query.
    """
    first, *others = plans.items()
    layout = first[1]
    for version, plan in others:
        layout, _ = extended(layout, plan, version)
    return layout


def covers(layout: Plan, plans: Mapping[str, Plan]) -> bool:
    """Whether these versions need no state beside the layout's."""
    try:
        return all(state(extended(layout, plan, v)[0]) == state(layout) for v, plan in plans.items())
    except RefuseSpecError:
        return False


def query_name(model: str, layout: Plan) -> str:
    """Return the name of the query, and of its checkpoint: the model's, and a digest of the state."""
    return f"{model}-{hashlib.sha256(state(layout)).hexdigest()[:12]}"


def state(layout: Plan) -> bytes:
    """Return what decides whether a checkpoint fits: all that is kept per key, and what is carried to a later stage."""
    *earlier, last = layout.stages
    kept: dict[str, Any] = {
        "format": STATE_FORMAT,
        "fields": layout.fields,
        "inputs": list(layout.inputs.items()),
        "only": layout.only,
        "windows": [layout.stride_ms, layout.overlap_ms],
        "stages": [*(_kept(s, carried=True) for s in earlier), _kept(last, carried=False)],
    }
    if layout.counts_once:
        kept["once"] = [layout.cell_ms]
    return msgspec.json.encode(kept)


def _kept(stage: Stage, *, carried: bool) -> list[Any]:
    values = list(stage.values.items()) if carried else []
    return [stage.key, list(stage.accumulators.items()), list(stage.counters.items()), values]


class _Addition:
    """One version on its way into a layout.

    Attributes
    ----------
    names
        Column of the version -> column of the layout.
    """

    def __init__(self, layout: Plan, version: str) -> None:
        self._suffix = re.sub(r"\W", "_", f"v{version}")
        self._fields = frozenset(layout.fields)
        self._taken = {*_ROW, *layout.fields, *layout.inputs, *layout.row_values}
        for stage in layout.stages:
            self._taken |= {*stage.accumulators, *stage.counters, *stage.values}
        self.names: dict[str, str] = {}

    def stage(self, known: Stage, new: Stage) -> Stage:
        accumulators = self.adopt_all(known.accumulators, new.accumulators)
        return msgspec.structs.replace(
            known, accumulators=accumulators, values=self.adopt_all(known.values, new.values)
        )

    def adopt_all(self, known: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
        result = dict(known)
        for name, sql in new.items():
            self.adopt(result, name, sql)
        return result

    def adopt(self, known: dict[str, str], name: str, sql: str) -> None:
        """Note which column holds this SQL; add one where none does."""
        wanted = renamed(sql, self.names)
        held = next((column for column, text in known.items() if text == wanted), None)
        if held is None:
            held = self._free(name)
            known[held] = wanted
            self._taken.add(held)
        self.names[name] = held

    def _free(self, name: str) -> str:
        """Return the name if it is free, else another: a field may be a feature under its own name."""
        if name not in self._taken or name in self._fields:
            return name
        free = f"{name}_{self._suffix}"
        while free in self._taken:
            free += "_"
        return free


def _place(stages: list[Stage], new: Stage, position: int) -> int:
    """Return where a stage goes, making room if needed: not before `position`, so that it reads what is there by then."""
    for index in range(position, len(stages)):
        if stages[index].key == new.key:
            return index
    first = all(stage.key != new.key for stage in stages)
    stages.insert(position, Stage(new.key, {}, new.counters if first else {}, {}))
    return position


def _windows(layout: Plan, plan: Plan) -> LandmarkWindows:
    if (layout.entity, layout.fields, layout.only) != (plan.entity, plan.fields, plan.only):
        raise RefuseSpecError("it scores other events than the deployed versions: give it another name")
    if layout.counts_once != plan.counts_once:
        raise RefuseSpecError(
            "of it and the deployed versions, one counts each event once and the other as often as it comes: "
            "give it another name"
        )
    if layout.windows == plan.windows:
        return layout.windows
    changed = _merged_windows(layout, plan)
    for each in (layout, plan):
        if each.windows != changed and _SINCE_START in "".join(_aggregates(each)):
            raise RefuseSpecError(
                "it counts distinct values since its window's start, and its windows differ from the deployed "
                "versions': use the same longest half-life, or train it under another name"
            )
    return changed


def _merged_windows(layout: Plan, plan: Plan) -> LandmarkWindows:
    both = (layout, plan)
    try:
        return landmark_windows(
            _ages(sql for each in both for sql in each.inputs.values()),
            history_ms=max(each.overlap_ms for each in both),
            slopes_ms=_ages(sql for each in both for sql in _aggregates(each)),
        )
    except RefuseSpecError as error:
        raise RefuseSpecError(
            f"its half-lives and the deployed versions' do not fit into one query: {error}; "
            "change them, or train it under another name"
        ) from error


def _aggregates(plan: Plan) -> Iterator[str]:
    return (sql for stage in plan.stages for sql in stage.accumulators.values())


def _ages(texts: Iterable[str]) -> frozenset[int]:
    return frozenset(int(found) for text in texts for found in _AGE.findall(text))
