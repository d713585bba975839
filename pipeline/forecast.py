"""When a disk will be full, the pure part: each store grows as it did so far until its oldest rows begin to end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400
HORIZON_DAYS: Final = 3_650
"""How far is looked ahead."""

_LEAST_AGE_S: Final = 3_600


@dataclass(frozen=True)
class Store:
    """Something that grows.

    Attributes
    ----------
    bytes
        What it holds now.
    life_s
        Seconds that a row lives; None where it stays.
    age_s
        For how long it has been filled, in seconds.
    """

    name: str
    bytes: int
    life_s: int | None
    age_s: float

    @property
    def filled_s(self) -> float:
        """How many seconds of rows it holds."""
        age = max(self.age_s, _LEAST_AGE_S)
        return age if self.life_s is None else min(age, self.life_s)

    @property
    def bytes_per_day(self) -> float:
        """What a day adds, on the average of the rows that it holds."""
        return self.bytes * DAY_S / self.filled_s

    @property
    def level(self) -> float | None:
        """At which size it stays once rows end as fast as they come, in bytes; None: never."""
        return None if self.life_s is None else self.bytes_per_day * self.life_s / DAY_S

    def after(self, days: float) -> float:
        """Return the size after so many days at the same rate, in bytes."""
        grown = self.filled_s + days * DAY_S
        held = grown if self.life_s is None else min(grown, self.life_s)
        return self.bytes_per_day * held / DAY_S


def days_to_full(stores: Sequence[Store], free: int) -> int | None:
    """Return after how many whole days the free bytes are used up; None: not within `HORIZON_DAYS`."""
    now = sum(store.bytes for store in stores)
    if _grown(stores, now, HORIZON_DAYS) <= free:
        return None
    low, high = 0, HORIZON_DAYS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _grown(stores, now, middle) > free else (middle + 1, high)
    return max(0, low - 1)


def _grown(stores: Sequence[Store], now: int, days: int) -> float:
    return sum(store.after(days) for store in stores) - now
