"""Looks at where things should be: which of the sampled scores, alerts and commands are not there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from models import orders
from models.actions import CommandStatus
from pipeline.reconciliation import gaps
from pipeline.reconciliation.tally import Thing
from storage.orders import OrderRow
from storage.presence import ScoreKey

UNANSWERED: Final[tuple[CommandStatus, ...]] = ("sent", "delivered")


@dataclass(frozen=True)
class Looks:
    """What can be asked.

    Attributes
    ----------
    absent
        Those of the scores that are not stored.
    taken_at
        When an entity took an alert; None when it has not.
    order
        A command as its list has it.
    orders_in
        All commands in one status.
    """

    absent: Callable[[Sequence[ScoreKey]], list[ScoreKey]]
    taken_at: Callable[[str, str], int | None]
    order: Callable[[str], OrderRow | None]
    orders_in: Callable[[CommandStatus], Iterable[OrderRow]]


def missing(stage: str, things: Mapping[str, Thing], looks: Looks) -> dict[str, Thing]:
    """Return those of the things that are not where the stage should have put them."""
    match stage:
        case gaps.STORED:
            keys = {ScoreKey(*cast("tuple[str, int, str, str]", t[:4])): name for name, t in things.items()}
            gone = [keys[key] for key in looks.absent(list(keys))]
        case gaps.TAKEN:
            gone = [name for name, t in things.items() if looks.taken_at(str(t[0]), name) is None]
        case gaps.PUBLISHED:
            gone = [name for name in things if looks.order(name) is None]
        case _:
            gone = []
    return {name: things[name] for name in gone}


def standing(looks: Looks, now: int, grace_ms: int) -> dict[str, dict[str, Thing]]:
    """Return commands that stand still: released and not published; published, and neither answered nor expired."""
    return {
        gaps.RELEASED: _named(looks.orders_in("queued"), lambda order: _is_stuck(order, now - grace_ms)),
        gaps.ANSWERED: _named(
            (row for status in UNANSWERED for row in looks.orders_in(status)),
            lambda order: _is_over(order, now - grace_ms),
        ),
    }


def _named(rows: Iterable[OrderRow], wanted: Callable[[orders.Order], bool]) -> dict[str, Thing]:
    return {row.command_id: (row.entity,) for row in rows if wanted(orders.decode(row.body))}


def _is_stuck(order: orders.Order, before: int) -> bool:
    return order.sends == 0 and order.released_at is not None and order.released_at < before


def _is_over(order: orders.Order, before: int) -> bool:
    return max(order.command.expires_at, order.times_out_at or 0) < before
