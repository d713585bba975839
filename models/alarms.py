"""The states of an alarm, in the words of ISA-18.2 and OPC UA part 9.

An entity without an open alarm of a condition is *normal*; that is the absence of an alarm, not a state of one.
"""

from typing import Final, Literal

LifeState = Literal["active_unacknowledged", "active_acknowledged", "returned_unacknowledged", "closed"]
"""Where an alarm is in its life; `closed`: it has returned and was acknowledged, and a later alert opens another."""

AlarmState = Literal[LifeState, "shelved", "out_of_service"]
"""What operators see: an open alarm may be set aside, whatever its life does meanwhile."""

CLOSED: Final[LifeState] = "closed"

ACTIVE: Final[frozenset[str]] = frozenset({"active_unacknowledged", "active_acknowledged"})
"""States in which alerts still come."""

OPEN_STATES: Final[tuple[AlarmState, ...]] = (
    "active_unacknowledged",
    "returned_unacknowledged",
    "active_acknowledged",
    "shelved",
    "out_of_service",
)
"""All states but `closed`, those that want an operator first."""
