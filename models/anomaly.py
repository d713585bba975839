"""Monitoring of any process: its sensors as they are and their means of the last minutes, against their principal components.

Train such a model on normal operation of the very process that it will watch: what it has seen is what it takes
for usual. For many machines of one kind, with sensors that fail too, `models.fleet` is the better start.
"""

from collections.abc import Sequence

from models.events import Reading
from models.expressions import measurement
from models.features import Entity, Feature, row
from models.monitoring import ProcessMonitor
from models.spec import FixedThreshold, ModelSpec

machine = Entity("machine")


def process(
    name: str, measurements: Sequence[str], *, half_life_ms: int, alpha: float, version: str = "1"
) -> ModelSpec:
    """Return a model that watches a process; an alert is a row beyond the limit of T2 or of SPE.

    Parameters
    ----------
    name, version
        The model's.
    measurements
        The process's sensors.
    half_life_ms
        Of the means that stand beside the values, milliseconds. A longer one finds smaller changes, later, and needs
        more normal operation to learn what is usual: neighbouring means are nearly the same.
    alpha
        Share of normal rows that may be alerts.
    """
    return ModelSpec(
        name=name,
        version=version,
        event=Reading,
        features=watched(measurements, half_life_ms=half_life_ms),
        estimator=lambda: ProcessMonitor(0.95, alpha=alpha),
        threshold=FixedThreshold(1.0),
    )


def watched(measurements: Sequence[str], *, half_life_ms: int) -> list[Feature]:
    """Return each measurement as it is, which finds sudden changes, and its decayed mean, which finds small ones that last."""
    now = [row(name, measurement(name)) for name in measurements]
    means = [
        machine.mean(f"{name}_mean", measurement(name), half_life_ms=half_life_ms) for name in measurements
    ]
    return [*now, *means]
