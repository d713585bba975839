"""A backtest of a detector as a picture: windows and alarms over time, detections over false alarms, delays."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.anomaly_evaluation import Found, Watched, trade_off
from models.spec import ModelSpec
from processing.anomaly_backtest import AnomalyResult

WIDTH_IN, HEIGHT_IN, DPI = 13.0, 8.5, 110
MACHINES: Final = 40
"""So many machines have a line of their own, those with most windows."""

_WINDOW, _FOUND, _FALSE = "#f0c987", "#2a7f62", "#b23a48"
_HOUR_MS: Final = 3_600_000


def draw(spec: ModelSpec, result: AnomalyResult, file: Path) -> None:
    """Write the chart as PNG."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    panels = figure.subplot_mosaic([["time", "trade"], ["time", "delay"]], width_ratios=[1.6, 1])
    figure.suptitle(f"Backtest of {spec.name} {spec.version}, scored by the compiled SQL")
    _over_time(panels["time"], result)
    _trade_off(panels["trade"], result)
    _delays(panels["delay"], result.found)
    figure.savefig(file, dpi=DPI, format="png")


def _over_time(axes: Axes, result: AnomalyResult) -> None:
    ranked = sorted(result.machines, key=lambda m: (-len(m.windows), m.machine))[:MACHINES]
    for line, machine in enumerate(ranked):
        for window in machine.windows:
            left, right = _share(machine, window.start_ms), _share(machine, window.end_ms)
            axes.barh(line, right - left, left=left, color=_WINDOW, height=0.8)
        alarms = machine.alarms(result.found.threshold)
        for rows, colour in ((alarms & machine.inside(), _FOUND), (alarms & ~machine.inside(), _FALSE)):
            at = [_share(machine, int(time)) for time in machine.times[rows]]
            axes.plot(at, [line] * len(at), "|", color=colour, markersize=8)
    axes.set_yticks(range(len(ranked)), [m.machine for m in ranked], fontsize="x-small")
    axes.invert_yaxis()
    left_out = len(result.machines) - len(ranked)
    axes.set(
        title="Windows (shaded) and alarms: inside green, false red"
        + (f"; {left_out} machines more" if left_out else ""),
        xlabel="share of each machine's judged time",
        xlim=(0, 1),
    )


def _trade_off(axes: Axes, result: AnomalyResult) -> None:
    points = trade_off(result.machines)
    false = [np.nan if p.false_per_machine_day is None else p.false_per_machine_day for p in points]
    detected = [np.nan if p.detected is None else p.detected for p in points]
    axes.plot(false, detected, color=_FOUND)
    found = result.found
    if found.detected is not None and found.false_per_machine_day is not None:
        axes.plot(
            found.false_per_machine_day, found.detected, "o", color=_FALSE, label="the model's threshold"
        )
        axes.legend(fontsize="small", loc="lower right")
    axes.set(
        title="Detections over false alarms",
        xlabel="false alarms per machine-day",
        ylabel="windows found",
        ylim=(0, 1.02),
    )


def _delays(axes: Axes, found: Found) -> None:
    hours = np.sort([f.delay_ms / _HOUR_MS for f in found.findings if f.delay_ms is not None])
    if len(hours):
        reached = np.arange(1, len(hours) + 1) / len(found.findings)
        axes.step(hours, reached, where="post", color=_FOUND)
    axes.set(
        title="How soon windows are found",
        xlabel="hours since the window's start",
        ylabel="share of all windows",
        ylim=(0, 1.02),
    )


def _share(machine: Watched, time: int) -> float:
    first, last = int(machine.times[0]), int(machine.times[-1])
    return float(min(max((time - first) / max(last - first, 1), 0.0), 1.0))
