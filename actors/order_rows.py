"""The commands of an entity as lists show them, pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from actors.alarm import Alarms
from actors.items import Change as Message
from actors.items import Wake
from actors.order_release import Orders
from actors.order_time import due_at
from models import orders as encoding
from models.actions import Ack
from models.operations import CommandOperation
from models.orders import Order
from models.scores import Score
from storage.orders import OrderRow

LATELY_MS: Final = 60_000
"""Commands that changed in so many milliseconds are listed with any message: time may have changed them beside it."""


def order_rows(
    version: int, orders: Orders, alarms: Alarms, messages: Sequence[Message], now: int
) -> list[OrderRow]:
    """Return the commands that these messages speak of, or that changed lately, whether or not they changed them.

    Parameters
    ----------
    version
        The entity's version that has these orders and alarms.
    now
        Milliseconds since the epoch.
    """
    listed = {order.command_id: order for order in spoken_of(orders, alarms, messages)}
    lately = {name: orders[name] for name in _since(orders, now - LATELY_MS)}
    return [_row(version, order) for order in (listed | lately).values()]


def spoken_of(orders: Orders, alarms: Alarms, messages: Sequence[Message]) -> list[Order]:
    """Return the orders that these messages are about, or have made."""
    names = dict.fromkeys(name for message in messages for name in _names(orders, alarms, message))
    return [orders[name] for name in names if name in orders]


def _names(orders: Orders, alarms: Alarms, message: Message) -> Iterator[str]:
    match message:
        case Ack():
            yield from _with_errands(orders, message.command_id)
        case CommandOperation():
            yield from _with_errands(orders, message.command_id)
        case Wake():
            yield from message.commands
            yield from (name for name, order in orders.items() if due_at(order) is not None)
        case Score():
            alarm = alarms.by_condition.get(message.model)
            since = 0 if alarm is None else alarm.last_alert_at
            yield from _since(orders, since)
        case _:
            pass


def _with_errands(orders: Orders, name: str) -> Iterator[str]:
    yield name
    order = orders.get(name)
    if order is not None:
        command = order.command
        others = (order.reverted_by, order.cancelled_by, command.reverts, command.cancels)
        yield from (other for other in others if other is not None)


def _since(orders: Orders, since: int) -> Iterator[str]:
    return (name for name, order in orders.items() if order.changed_at >= since)


def _row(version: int, order: Order) -> OrderRow:
    command = order.command
    return OrderRow(
        command_id=command.command_id,
        entity=command.entity,
        kind=command.kind,
        issued_at=command.issued_at,
        version=version,
        status=order.status,
        changed_at=order.changed_at,
        body=encoding.encode(order),
        due_at=due_at(order),
    )
