"""The alarms of an entity as lists show them: which rows a batch of messages concerns, and what stands in them."""

from collections.abc import Sequence

from actors.alarm import Alarm, Alarms, shown
from actors.items import Change as Message
from actors.items import Wake
from actors.order_release import Orders
from models.actions import Ack
from models.operations import AlarmOperation, CommandOperation
from models.orders import Order
from models.scores import Score
from storage.alarms import AlarmRow


def alarm_row(
    name: str, version: int, known: Alarms, alarm: Alarm, *, order: Order | None, due: int | None
) -> AlarmRow:
    """Return an alarm of the entity of this name, at this version, with the latest order that it led to."""
    return AlarmRow(
        alarm_id=alarm.alarm_id,
        entity=name,
        condition=alarm.condition,
        opened_at=alarm.opened_at,
        version=version,
        state=shown(known, alarm),
        event_id=alarm.event_id,
        alerts=alarm.alerts,
        command_id=None if order is None else order.command.command_id,
        command_status=None if order is None else order.status,
        due_at=due,
        severity=alarm.severity,
        active_at=alarm.active_at,
        chattering=alarm.is_open and known.is_chattering(alarm.condition),
        stale=alarm.stale_at is not None,
    )


def spoken_of(known: Alarms, commands: Orders, messages: Sequence[Message]) -> list[Alarm]:
    """Return the alarms that these messages may have changed.

    An alarm may suppress another, and whoever touches one settles the timers of all: so each open alarm is one of them.
    """
    if any(isinstance(m, Wake) for m in messages):
        return list(known.all)
    conditions = {m.model for m in messages if isinstance(m, Score)}
    conditions |= {m.condition for m in messages if isinstance(m, AlarmOperation)}
    answered = {m.command_id for m in messages if isinstance(m, Ack | CommandOperation)}
    alarms = {commands[name].command.alarm_id for name in answered if name in commands}
    return [
        a
        for a in known.all
        if a.condition in conditions or a.alarm_id in alarms or (conditions and a.is_open)
    ]
