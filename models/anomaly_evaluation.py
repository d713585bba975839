"""How good a detector is at finding known anomalies: detections, false alarms per machine-day, delays.

An alarm is a run of alerts of one machine; while it lasts, nothing is told again. A labelled window is found by the
first alert in it, and an alarm that begins outside all windows is false.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.errors import RefuseSpecError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAY_MS: Final = 86_400_000
POINTS: Final = 60
"""Thresholds in the trade-off between detections and false alarms."""


@dataclass(frozen=True)
class Window:
    """When a machine is known to have been abnormal: first and last time, milliseconds since the epoch."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        """Refuse a window that ends before it starts."""
        if self.end_ms < self.start_ms:
            raise RefuseSpecError(f"a window ends at {self.end_ms}, before it starts at {self.start_ms}")


@dataclass(frozen=True)
class Watched:
    """One machine's judged readings, in order of event time, and its windows among them.

    Attributes
    ----------
    times
        Milliseconds since the epoch.
    strangeness
        Higher is stranger.
    """

    machine: str
    times: Ints
    strangeness: Floats
    windows: Sequence[Window]

    @property
    def days(self) -> float:
        """Days from the first to the last reading, those in windows left out."""
        inside = sum(min(w.end_ms, self.times[-1]) - max(w.start_ms, self.times[0]) for w in self.windows)
        return float(max(self.times[-1] - self.times[0] - inside, 0)) / DAY_MS

    def inside(self) -> Flags:
        """Return which readings lie in a window."""
        held = np.zeros(len(self.times), dtype=bool)
        for window in self.windows:
            held |= (self.times >= window.start_ms) & (self.times <= window.end_ms)
        return held

    def alarms(self, threshold: float) -> Flags:
        """Return the readings at which an alarm begins."""
        alert = self.strangeness >= threshold
        return alert & ~np.concatenate(([False], alert[:-1]))


@dataclass(frozen=True)
class Finding:
    """What became of a window: how long after its start the first alert came, milliseconds; None when none came."""

    machine: str
    window: Window
    delay_ms: int | None


@dataclass(frozen=True)
class Found:
    """All windows and false alarms at one threshold.

    Attributes
    ----------
    threshold
        A strangeness at or above it is an alert.
    false_alarms
        Machine -> alarms that begin outside its windows.
    machine_days
        Days outside windows, over all machines.
    """

    threshold: float
    findings: list[Finding]
    false_alarms: dict[str, int]
    machine_days: float

    @property
    def detected(self) -> float | None:
        """The share of windows that were found; None without windows."""
        found = sum(f.delay_ms is not None for f in self.findings)
        return found / len(self.findings) if self.findings else None

    @property
    def false_per_machine_day(self) -> float | None:
        """False alarms per machine and day; None where no time lies outside windows."""
        return sum(self.false_alarms.values()) / self.machine_days if self.machine_days else None

    @property
    def median_delay_ms(self) -> float | None:
        """The median delay of the windows that were found, milliseconds."""
        delays = [f.delay_ms for f in self.findings if f.delay_ms is not None]
        return float(np.median(delays)) if delays else None


def watched(
    machine: npt.NDArray[np.object_],
    times: Ints,
    strangeness: Floats,
    windows: Mapping[str, Sequence[Window]],
) -> list[Watched]:
    """Return the readings machine by machine, by name; windows that hold none of them are left out.

    Parameters
    ----------
    machine, times, strangeness
        Of all readings, in any order.
    windows
        Machine -> windows; machines without readings are ignored.
    """
    order = np.lexsort((times, machine))
    edges = np.flatnonzero(machine[order][1:] != machine[order][:-1]) + 1
    return [
        _watched(str(machine[rows[0]]), times[rows], strangeness[rows], windows)
        for rows in np.split(order, edges)
    ]


def evaluate(machines: Sequence[Watched], threshold: float) -> Found:
    """Return what is found, and what is told for nothing, at a threshold."""
    return Found(
        threshold,
        [finding for m in machines for finding in _findings(m, threshold)],
        {m.machine: int((m.alarms(threshold) & ~m.inside()).sum()) for m in machines},
        sum(m.days for m in machines),
    )


def trade_off(machines: Sequence[Watched]) -> list[Found]:
    """Return what would be found at thresholds from few alarms to many."""
    scores = np.concatenate([m.strangeness for m in machines])
    shares = 1 - np.geomspace(1 / len(scores), 0.2, POINTS)
    return [
        evaluate(machines, float(threshold)) for threshold in np.unique(np.quantile(scores, shares))[::-1]
    ]


def _watched(name: str, times: Ints, strangeness: Floats, windows: Mapping[str, Sequence[Window]]) -> Watched:
    held = [w for w in windows.get(name, ()) if ((times >= w.start_ms) & (times <= w.end_ms)).any()]
    return Watched(name, times, strangeness, held)


def _findings(machine: Watched, threshold: float) -> Iterator[Finding]:
    alerts = machine.times[machine.strangeness >= threshold]
    for window in machine.windows:
        inside = alerts[(alerts >= window.start_ms) & (alerts <= window.end_ms)]
        yield Finding(machine.machine, window, int(inside[0] - window.start_ms) if len(inside) else None)
