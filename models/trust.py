"""The sensor trust gate: which measurements a model may believe, as features.

A measurement that is missing, out of its range or stuck is taken as missing; each has a feature that says so,
for a model that alerts on bad data. What shows only beside the other sensors (drift, a wrong scale) is
`models.monitoring`'s to find.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import RefuseSpecError
from models.expressions import Expression, feature, is_null, measurement, where
from models.features import Entity, Feature, helper, row

STUCK_SHARE: Final = 0.95
"""Share of repeated values, decayed, from which a sensor is stuck."""

_HALVINGS: Final = 4.33
"""How often the weight of other values halves until the share of repeated ones has grown to `STUCK_SHARE`."""


@dataclass(frozen=True)
class Sensor:
    """What is known of a measurement.

    Parameters
    ----------
    name
        The measurement's name, also in the gate's features: lower-case letters, digits and underscores.
    low, high
        What the sensor can truly measure, in its unit; anything else is out of range.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse a range that is none."""
        if not self.low < self.high:
            raise RefuseSpecError(
                f"sensor {self.name!r}: its range is {self.low} to {self.high}, which is none"
            )


@dataclass(frozen=True)
class Gate:
    """What a machine's sensors may be believed.

    Parameters
    ----------
    machine
        Whose sensors they are.
    sensors
        All that the model reads.
    stuck_ms
        Event time in milliseconds for which a value has to repeat, exactly, until the sensor is stuck.
    """

    machine: Entity
    sensors: Sequence[Sensor]
    stuck_ms: int

    def features(self) -> list[Feature]:
        """Return the features that `trusted` and `bad` read; all are helpers."""
        recent = self.machine.recent(2, history_ms=self.stuck_ms)
        half_life = round(self.stuck_ms / _HALVINGS)
        found = []
        for sensor in self.sensors:
            now, name = measurement(sensor.name), sensor.name
            before = feature(f"{name}_before")
            repeats = where(~is_null(now), where(now == before, 1.0, 0.0), None)
            found += [
                helper(recent.previous(f"{name}_before", now)),
                helper(self.machine.mean(f"{name}_repeats", repeats, half_life_ms=half_life)),
                helper(row(f"{name}_trusted", where(_is_good(sensor), now, None))),
                helper(row(f"{name}_bad", where(_is_good(sensor), 0.0, 1.0))),
            ]
        return found

    def in_range(self, name: str) -> Expression:
        """Return a measurement, null where it is missing or out of range."""
        sensor = next(s for s in self.sensors if s.name == self._known(name))
        now = measurement(name)
        return where((now >= sensor.low) & (now <= sensor.high), now, None)

    def trusted(self, name: str) -> Expression:
        """Return a measurement, null where it is missing or not believed."""
        return feature(f"{self._known(name)}_trusted")

    def bad(self, name: str) -> Expression:
        """Return 1 where a measurement is missing or not believed, else 0."""
        return feature(f"{self._known(name)}_bad")

    def _known(self, name: str) -> str:
        names = [sensor.name for sensor in self.sensors]
        if name not in names:
            raise RefuseSpecError(f"the gate has no sensor {name!r}; it has {', '.join(names)}")
        return name


def _is_good(sensor: Sensor) -> Expression:
    now = measurement(sensor.name)
    return (now >= sensor.low) & (now <= sensor.high) & (feature(f"{sensor.name}_repeats") < STUCK_SHARE)
