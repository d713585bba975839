"""Decisions on one entity, pure: what a snapshot and new messages add up to.

An entity is one transaction: its alarms, the alerts they have taken and the outbox of commands change together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from actors import alarm as alarms
from actors.alarm import Alarm, Alarms, Policy
from actors.items import Change as Message
from models.actions import Ack, Command, encode
from models.scores import Score
from storage.alarms import AlarmRow
from storage.entities import Change, CommandRow, CommandStatus, Snapshot, alert_id

QUEUED: Final[CommandStatus] = "queued"
SENT: Final[CommandStatus] = "sent"
UNANSWERED: Final = frozenset({QUEUED, SENT})


def decide(snapshot: Snapshot, messages: Sequence[Message], now: int, policy: Policy) -> Change | None:
    """Return what to save for these messages, or None when nothing in them is new."""
    draft = _Draft(snapshot, policy)
    for message in messages:
        if isinstance(message, Ack):
            draft.answer(message)
        else:
            draft.alert(message, now)
    return draft.change()


def mark_sent(snapshot: Snapshot, command_ids: Iterable[str]) -> Change | None:
    """Return the change that turns these commands from queued to sent; None when none is queued any more."""
    ids = set(command_ids)
    rows = tuple(_moved(row, SENT) for row in queued(snapshot) if row.command_id in ids)
    return Change(state=snapshot.state or alarms.encode(Alarms()), commands=rows) if rows else None


def queued(snapshot: Snapshot) -> tuple[CommandRow, ...]:
    """Return the commands that still have to be published."""
    return tuple(row for row in snapshot.commands if row.status == QUEUED)


def advance(snapshot: Snapshot, change: Change, version: int) -> Snapshot:
    """Return the snapshot as it is after the change was saved under this version."""
    rows = {row.command_id: row for row in (*snapshot.commands, *change.commands)}
    return Snapshot(
        version=version,
        state=change.state,
        alerts=snapshot.alerts | set(change.alerts),
        commands=tuple(rows.values()),
    )


def alarm_rows(entity: str, snapshot: Snapshot, messages: Sequence[Message]) -> list[AlarmRow]:
    """Return the alarms that these messages speak of, whether or not they changed them, as lists show them."""
    statuses = {row.command_id: row.status for row in snapshot.commands}
    return [_alarm_row(entity, snapshot.version, a, statuses) for a in _spoken_of(snapshot, messages)]


def _spoken_of(snapshot: Snapshot, messages: Sequence[Message]) -> list[Alarm]:
    conditions = {m.model for m in messages if isinstance(m, Score)}
    spoken_of = {m.alarm_id for m in messages if isinstance(m, Ack)}
    known = alarms.decode(snapshot.state).by_condition.values()
    return [a for a in known if a.condition in conditions or a.alarm_id in spoken_of]


def _alarm_row(entity: str, version: int, alarm: Alarm, statuses: Mapping[str, CommandStatus]) -> AlarmRow:
    command = next(reversed(alarm.commands), None)
    return AlarmRow(
        alarm_id=alarm.alarm_id,
        entity=entity,
        condition=alarm.condition,
        opened_at=alarm.opened_at,
        version=version,
        state=alarm.state,
        event_id=alarm.event_id,
        alerts=alarm.alerts,
        command_id=command,
        command_status=None if command is None else _status(alarm, command, statuses),
    )


def _status(alarm: Alarm, command: str, statuses: Mapping[str, CommandStatus]) -> CommandStatus | None:
    answer = alarm.commands[command]  # outlives the row in the outbox
    return statuses.get(command) or (answer.outcome if answer else None)


class _Draft:
    """A change in the making."""

    def __init__(self, snapshot: Snapshot, policy: Policy) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._before = alarms.decode(snapshot.state)
        self._alarms = self._before
        self._taken: dict[str, None] = {}
        self._rows = {row.command_id: row for row in snapshot.commands}
        self._changed: dict[str, CommandRow] = {}

    def alert(self, score: Score, now: int) -> None:
        name = alert_id(score.event_id, score.model)
        if name in self._snapshot.alerts or name in self._taken:
            return
        self._alarms, commands = alarms.take_alert(self._alarms, score, now, self._policy)
        self._taken[name] = None
        for command in commands:
            self._put(_row(command))

    def answer(self, ack: Ack) -> None:
        self._alarms = alarms.take_ack(self._alarms, ack)
        row = self._rows.get(ack.command_id)
        if row is not None and row.status in UNANSWERED:
            self._put(_moved(row, ack.outcome))

    def change(self) -> Change | None:
        if not (self._taken or self._changed or self._alarms is not self._before):
            return None
        return Change(
            state=alarms.encode(self._alarms),
            alerts=tuple(self._taken),
            commands=tuple(self._changed.values()),
        )

    def _put(self, row: CommandRow) -> None:
        self._rows[row.command_id] = self._changed[row.command_id] = row


def _row(command: Command) -> CommandRow:
    return CommandRow(command_id=command.command_id, status=QUEUED, body=encode(command).decode())


def _moved(row: CommandRow, status: CommandStatus) -> CommandRow:
    return replace(row, status=status)
