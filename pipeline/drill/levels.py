"""Levels of a long run: memory, open files and threads of every process, and what lies on disk; whether they rise.

A process that is killed and started again begins anew, so a slope is that within the lives of its processes: the
least-squares line with an intercept for each life, which counts from its second minute. What only warms up rises at
first and is level later, so the slope of the later half of each life is told apart, and the course in ten parts.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Final

GROWN_UP_S: Final = 60.0
"""How long a new process is left to reach its level, in seconds."""

SECONDS: Final = 3_600
QUANTITIES: Final = ("memory_mb", "files", "threads", "disk_mb")
PARTS: Final = 10
"""In how many parts of the same length the course is told."""

WIDTH: Final = 24
COLUMNS: Final = f"{'level (per hour; later)':23} {'lives':>5}" + "".join(
    f" {column:>{WIDTH}}" for column in ("memory, MB", "open files", "threads", "disk, MB")
)


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


def later(levels: Sequence[Level]) -> list[Level]:
    """Return the levels of the later half of each life."""
    lives = defaultdict[tuple[str, int], list[Level]](list)
    for level in levels:
        lives[level.name, level.life].append(level)
    return [x for own in lives.values() for x in own if x.at_s >= (own[0].at_s + own[-1].at_s) / 2]


def course(levels: Sequence[Level], quantity: str) -> list[float | None]:
    """Return the median of a quantity in each tenth of the time, of all lives; None where none was noted."""
    first, last = levels[0].at_s, levels[-1].at_s
    parts: list[list[float]] = [[] for _ in range(PARTS)]
    for level in levels:
        if quantity in level.values:
            part = int((level.at_s - first) / (last - first) * PARTS) if last > first else 0
            parts[min(part, PARTS - 1)].append(level.values[quantity])
    return [median(part) if part else None for part in parts]


def table(levels: Sequence[Level]) -> Iterator[str]:
    """Return a line for each process and folder: the median of each quantity, its slope, and the slope later."""
    yield COLUMNS
    for row in rows(levels):
        cells = " ".join(f"{_cell(row.get(quantity)):>{WIDTH}}" for quantity in QUANTITIES)
        yield f"{row['name']:23} {row['lives'] or '':>5} {cells}".rstrip()


def rows(levels: Sequence[Level]) -> list[dict[str, Any]]:
    """Return plain values by process or folder: its lives, and of each quantity median, slopes and course."""
    known = grown_up(levels)
    return [_row(name, [x for x in known if x.name == name]) for name in dict.fromkeys(x.name for x in known)]


def _row(name: str, own: Sequence[Level]) -> dict[str, Any]:
    lives = {level.life for level in own} - {0}
    found: dict[str, Any] = {"name": name, "lives": len(lives)}
    for quantity in QUANTITIES:
        values = [level.values[quantity] for level in own if quantity in level.values]
        if values:
            found[quantity] = {
                "median": median(values),
                "per_hour": slope_per_h(own, quantity),
                "per_hour_later": slope_per_h(later(own), quantity),
                "course": course(own, quantity),
            }
    return found


def _cell(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    slopes = "; ".join(
        "?" if x is None else f"{x:+,.1f}" for x in (found["per_hour"], found["per_hour_later"])
    )
    return f"{found['median']:,.0f} ({slopes})"
