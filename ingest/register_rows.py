"""A machine register's rows: one for each measurement of each machine."""

import csv
import io
from typing import Any, Final

import msgspec

from models.machines import Machine

COLUMNS: Final = ("machine", "class", "measurement", "unit", "low", "high")
PLACE: Final = ("latitude", "longitude")
"""May be left out, or empty for machines that move."""


def machines_of_rows(text: str) -> list[Machine]:
    """Return the machines of a CSV text; `ValueError` naming the line that is wrong."""
    rows = csv.DictReader(io.StringIO(text), strict=True)
    _check_header(list(rows.fieldnames or ()))
    drafts: dict[str, dict[str, Any]] = {}
    try:
        for row in rows:
            _add(drafts, row, f"line {rows.line_num}")
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from error
    return [_finished(draft) for draft in drafts.values()]


def _check_header(found: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in found]
    unknown = [name for name in found if name not in COLUMNS + PLACE]
    if missing or unknown or len(set(found)) < len(found):
        raise ValueError(
            f"the first line must name the columns {', '.join(COLUMNS)}, and may name {' and '.join(PLACE)}; "
            f"it names {', '.join(found) or 'nothing'}"
        )


def _add(drafts: dict[str, dict[str, Any]], row: dict[str | None, Any], line: str) -> None:
    if None in row or None in row.values():
        raise ValueError(f"{line} has not as many fields as the first line names")
    same = {"machine": row["machine"], "machine_class": row["class"]}
    same |= {name: _number(row[name], line, name) for name in PLACE if row.get(name)}
    draft = drafts.setdefault(row["machine"], {**same, "measurements": {}, "line": line})
    if {key: value for key, value in draft.items() if key not in ("measurements", "line")} != same:
        raise ValueError(
            f"{line}: machine {row['machine']!r} has another class or place than on {draft['line']}"
        )
    if row["measurement"] in draft["measurements"]:
        raise ValueError(f"{line}: measurement {row['measurement']!r} of {row['machine']!r} is there twice")
    limits = {name: _number(row[name], line, name) for name in ("low", "high")}
    draft["measurements"][row["measurement"]] = {"unit": row["unit"], **limits}


def _number(text: str, line: str, column: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{line}: {column} is {text!r}, which is no number") from error


def _finished(draft: dict[str, Any]) -> Machine:
    line = draft.pop("line")
    try:
        return msgspec.convert(draft, Machine)
    except msgspec.ValidationError as error:
        raise ValueError(f"machine {draft['machine']!r} (from {line}): {error}") from error
