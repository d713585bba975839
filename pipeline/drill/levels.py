"""Levels of a long run: memory, open files and threads of every process, and what lies on disk; whether they rise.

A process that is killed and started again begins anew, so a slope is that within the lives of its processes: the
least-squares line with an intercept for each life, which counts from its second minute.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Final

GROWN_UP_S: Final = 60.0
"""How long a new process is left to reach its level, in seconds."""

SECONDS: Final = 3_600
QUANTITIES: Final = ("memory_mb", "files", "threads", "disk_mb")
COLUMNS: Final = f"{'level (per hour)':24} {'lives':>5} {'memory, MB':>18} {'open files':>18} {'threads':>18} {'disk, MB':>18}"


@dataclass(frozen=True)
class Level:
    """What one process, with all that it started, or one folder has at one moment.

    Attributes
    ----------
    at_s
        Seconds on any monotonic clock.
    life
        Tells the processes of one name apart; 0 for a folder.
    values
        By quantity, of `QUANTITIES`.
    """

    at_s: float
    name: str
    life: int
    values: Mapping[str, float]


def grown_up(levels: Sequence[Level]) -> list[Level]:
    """Return the levels without the first minute of each process."""
    born: dict[tuple[str, int], float] = {}
    for level in levels:
        born.setdefault((level.name, level.life), level.at_s)
    return [x for x in levels if not x.life or x.at_s - born[x.name, x.life] >= GROWN_UP_S]


def slope_per_h(levels: Sequence[Level], quantity: str) -> float | None:
    """Return by how much a quantity rises an hour within lives; None where no life has two moments."""
    upper = lower = 0.0
    for life in {level.life for level in levels}:
        own = [(x.at_s, x.values[quantity]) for x in levels if x.life == life and quantity in x.values]
        if len(own) > 1:
            at, value = (fmean(column) for column in zip(*own, strict=True))
            upper += sum((t - at) * (v - value) for t, v in own)
            lower += sum((t - at) ** 2 for t, _ in own)
    return upper / lower * SECONDS if lower else None


def table(levels: Sequence[Level]) -> Iterator[str]:
    """Return a line for each process and folder: the median of each quantity, and its slope."""
    yield COLUMNS
    for row in rows(levels):
        cells = " ".join(f"{_cell(row.get(quantity)):>18}" for quantity in QUANTITIES)
        yield f"{row['name']:24} {row['lives'] or '':>5} {cells}".rstrip()


def rows(levels: Sequence[Level]) -> list[dict[str, Any]]:
    """Return plain values by process or folder: its lives, and of each quantity the median and the slope."""
    known = grown_up(levels)
    return [_row(name, [x for x in known if x.name == name]) for name in dict.fromkeys(x.name for x in known)]


def _row(name: str, own: Sequence[Level]) -> dict[str, Any]:
    lives = {level.life for level in own} - {0}
    found: dict[str, Any] = {"name": name, "lives": len(lives)}
    for quantity in QUANTITIES:
        values = [level.values[quantity] for level in own if quantity in level.values]
        if values:
            found[quantity] = {"median": median(values), "per_hour": slope_per_h(own, quantity)}
    return found


def _cell(found: Mapping[str, float | None] | None) -> str:
    if found is None:
        return ""
    slope = found["per_hour"]
    return f"{found['median']:,.0f} ({'?' if slope is None else f'{slope:+,.1f}'})"
