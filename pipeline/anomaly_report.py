"""What a backtest of a detector has shown, as JSON values and as a table for people."""

from collections.abc import Sequence
from typing import Any

from models.anomaly_evaluation import Finding, Found
from models.spec import AlertBelow, ModelSpec
from processing.anomaly_backtest import AnomalyResult

_HOUR_MS = 3_600_000


def as_json(spec: ModelSpec, result: AnomalyResult, seconds: float) -> dict[str, Any]:
    """Return everything as plain values; times are milliseconds.

    Parameters
    ----------
    seconds
        How long it took.
    """
    found = result.found
    return {
        "model": spec.name,
        "version": spec.version,
        "trained_on": result.trained_on,
        "judged": sum(len(m.times) for m in result.machines),
        "threshold": _own(spec, found.threshold),
        "windows": len(found.findings),
        "detected": found.detected,
        "median_delay_ms": found.median_delay_ms,
        "false_alarms": sum(found.false_alarms.values()),
        "machine_days": found.machine_days,
        "false_alarms_per_machine_day": found.false_per_machine_day,
        "machines": [_machine(name, found) for name in found.false_alarms],
        "seconds": round(seconds, 1),
    }


def lines(spec: ModelSpec, result: AnomalyResult) -> list[str]:
    """Return a table: one line per machine, and all of them."""
    found = result.found
    width = max(len("all machines"), *(len(name) for name in found.false_alarms))
    head = f"{'machine':{width}}{'windows':>9}{'found':>7}{'median delay':>14}{'false alarms':>14}"
    rows = [
        _row(name, [f for f in found.findings if f.machine == name], false, width)
        for name, false in found.false_alarms.items()
    ]
    last = _row("all machines", found.findings, sum(found.false_alarms.values()), width)
    rate = found.false_per_machine_day
    return [
        f"{spec.name} {spec.version}, threshold {_own(spec, found.threshold):g}",
        head,
        *rows,
        last,
        f"false alarms per machine-day: {'-' if rate is None else format(rate, '.3f')} ({found.machine_days:.0f} machine-days)",
    ]


def _own(spec: ModelSpec, threshold: float) -> float:
    """Return a threshold in the model's own unit."""
    return -threshold if isinstance(spec.threshold, AlertBelow) else threshold


def _machine(name: str, found: Found) -> dict[str, Any]:
    windows = [
        {"start_ms": f.window.start_ms, "end_ms": f.window.end_ms, "delay_ms": f.delay_ms}
        for f in found.findings
        if f.machine == name
    ]
    return {"machine": name, "windows": windows, "false_alarms": found.false_alarms[name]}


def _row(name: str, findings: Sequence[Finding], false_alarms: int, width: int) -> str:
    delays = sorted(f.delay_ms for f in findings if f.delay_ms is not None)
    delay = f"{delays[len(delays) // 2] / _HOUR_MS:.1f} h" if delays else "-"
    return f"{name:{width}}{len(findings):9}{len(delays):7}{delay:>14}{false_alarms:14}"
