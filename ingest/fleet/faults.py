"""The six kinds of machine fault and how they grow, and those of sensors."""

from typing import Final, NamedTuple

import numpy as np

from ingest.fleet.gauges import Floats, Ints


class Growth(NamedTuple):
    """How severe a fault is at a share p of its way to the failure: `jump + (1 - jump) * p ** power`."""

    jump: float
    power: float


FAULTS: Final = {
    "bearing_wear": Growth(0.0, 3.0),
    "imbalance": Growth(0.25, 1.0),
    "misalignment": Growth(0.1, 1.2),
    "cavitation": Growth(0.1, 1.5),
    "seal_leak": Growth(0.0, 2.0),
    "overheating": Growth(0.0, 1.5),
}
"""Machine faults by kind."""

SENSOR_FAULTS: Final = ("stuck", "drift", "scaled", "out_of_range", "missing", "clock")
"""Kinds of faults of sensors; `clock` is the machine's clock and concerns all its measurements."""

_JUMP: Final = np.array([growth.jump for growth in FAULTS.values()])
_POWER: Final = np.array([growth.power for growth in FAULTS.values()])


def severity(kind: Ints, progress: Floats) -> Floats:
    """Return how severe faults are, 0 to 1.

    Parameters
    ----------
    kind
        Each machine's place in `FAULTS`, -1 where there is none.
    progress
        Share of the way to the failure, 0 to 1.
    """
    jump = _JUMP[kind]
    grown = jump + (1 - jump) * np.clip(progress, 0, 1) ** _POWER[kind]
    return np.where(kind >= 0, grown, 0.0)


def stress(load: Floats) -> Floats:
    """Return how fast wear and faults advance at a load from 0 to 1; 1 at the usual load of three quarters."""
    return (0.2 + 0.8 * load**2) / 0.65
