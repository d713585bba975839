"""The fleet's ticks as readings, in the order in which they are measured."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

import numpy as np

from ingest.fleet.fleet import Fleet, Tick
from ingest.fleet.gauges import Flags, Floats, Ints
from ingest.fleet.orders import Order
from ingest.fleet.truth import Truth
from models.events import Reading

Orders = Callable[[], Iterable[Order]]
"""Gives what was ordered since it was last asked; asked before every tick."""

OnTruth = Callable[[Truth], None]
"""Takes what was wrong, when it is over."""


def readings(fleet: Fleet, ticks: int | None, orders: Orders, on_truth: OnTruth) -> Iterator[Reading]:
    """Yield the readings of so many ticks, or without end.

    A reading sent twice comes again at the end of its tick, with the same id.
    """
    make = ReadingMaker(fleet)
    for tick in ticked(fleet, ticks, orders, on_truth):
        yield from make(tick, in_order(tick, tick.sent))
        yield from make(tick, in_order(tick, tick.twice))


def ticked(fleet: Fleet, ticks: int | None, orders: Orders, on_truth: OnTruth) -> Iterator[Tick]:
    """Yield so many ticks, or without end; orders are carried out before the next one."""
    done = 0
    while ticks is None or done < ticks:
        for order in orders():
            fleet.obey(order)
        yield fleet.tick()
        for truth in fleet.truths:
            on_truth(truth)
        fleet.truths.clear()
        done += 1


def in_order(tick: Tick, chosen: Flags) -> Ints:
    """Return the numbers of the chosen machines in the order in which they were measured."""
    order = np.argsort(tick.true_time, kind="stable")
    return order[chosen[order]]


def run_name(fleet: Fleet) -> str:
    """Return what tells this fleet's ids from another's: the same for the same settings and start."""
    told = f"{fleet.settings.model_dump_json()}/{fleet.start}"
    return blake2b(told.encode(), digest_size=3).hexdigest()


class ReadingMaker:
    """Makes readings of a fleet's ticks."""

    def __init__(self, fleet: Fleet) -> None:
        run = run_name(fleet)
        self._ids = [f"sim-{run}-{name}-" for name in fleet.names]
        self._machines = fleet.names
        self._classes = fleet.classes
        self._moving = fleet.places.moving.tolist()

    def __call__(self, tick: Tick, chosen: Ints) -> Iterator[Reading]:
        """Yield the readings of these machines, by their numbers."""
        rows, times = present(tick.values), tick.time.tolist()
        places = tick.places.round(5).tolist()
        for machine in chosen:
            latitude, longitude = places[machine] if self._moving[machine] else (None, None)
            each = self._classes[machine]
            yield Reading(
                event_id=f"{self._ids[machine]}{tick.number}",
                event_time=times[machine],
                machine=self._machines[machine],
                machine_class=each.name,
                measurements=dict(zip(each.names, rows[machine], strict=True)),
                latitude=latitude,
                longitude=longitude,
            )


def present(values: Floats) -> list[list[float | None]]:
    """Return a table as lists, None for what is missing."""
    rows: list[list[float | None]] = values.tolist()
    for row, gauge in np.argwhere(np.isnan(values)):
        rows[row][gauge] = None
    return rows
