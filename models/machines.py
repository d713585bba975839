"""The machine register's vocabulary: what a machine is, where it stands, and what its measurements mean."""

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from models.events import Key

Unit = Annotated[str, Meta(min_length=1, max_length=16)]
"""A unit as it is shown beside a value, such as `mm/s`."""


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One measurement of a machine: its unit, and the range outside of which a value is the sensor's fault."""

    unit: Unit
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"the range {self.low} to {self.high} is empty or has no end")


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A machine of the register.

    Attributes
    ----------
    machine, machine_class
        As in its readings.
    measurements
        By the name that they have in readings.
    latitude, longitude
        Where it stands, degrees; None for a machine that moves: its readings say where it is.
    """

    machine: Key
    machine_class: Key
    measurements: Annotated[dict[Key, Measured], Meta(min_length=1, max_length=60)]
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None

    def __post_init__(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("a place needs both latitude and longitude")

    @property
    def moves(self) -> bool:
        """Whether its readings say where it is."""
        return self.latitude is None
