"""What the plant is told to do with a machine, and what follows from it."""

from typing import Final, Literal, NamedTuple

from ingest.fleet.chances import MS_PER_HOUR

OrderKind = Literal["reduce_load", "restore_load", "stop_machine", "start_machine", "schedule_inspection"]

REDUCED_LOAD: Final = 0.6
"""A machine at reduced load runs at so much of its planned load, until that is restored, a repair, or the end of the time."""

REDUCED_MS: Final = 24 * MS_PER_HOUR
"""How long load stays reduced."""

STOP_MS: Final = 2 * MS_PER_HOUR
"""How long a stopped machine stands; it is inspected, and repaired if need be. Started earlier, it runs on as it was."""

NOTICE_MS: Final = MS_PER_HOUR
"""After this time a scheduled inspection begins."""

INSPECTION_MS: Final = MS_PER_HOUR // 2
"""How long it takes; the machine stands, and is repaired if need be."""

REPAIR_HOURS: Final = (2.0, 6.0)
"""How long a machine that has failed stands: between these hours."""


class Order(NamedTuple):
    """An order for one machine."""

    machine: str
    kind: OrderKind
