"""Decisions on one entity, pure: what a snapshot and new messages add up to.

An entity is one transaction: its alarms, the alerts and operations they have taken and the outbox of commands
change together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from actors import alarm as alarms
from actors.alarm import Alarm, Alarms, Policy, shown
from actors.alarm_life import take_ack, take_alert
from actors.items import Change as Message
from actors.items import Wake
from actors.operating import operate
from actors.silence import due_at, settle_all
from models import operations
from models.actions import Ack, Command, encode
from models.operations import AuditEntry, Operation
from models.scores import Score
from storage.alarms import AlarmRow
from storage.entities import Change, CommandRow, CommandStatus, OperationRow, Snapshot, alert_id

QUEUED: Final[CommandStatus] = "queued"
SENT: Final[CommandStatus] = "sent"
UNANSWERED: Final = frozenset({QUEUED, SENT})


def decide(snapshot: Snapshot, messages: Sequence[Message], now: int, policy: Policy) -> Change | None:
    """Return what to save for these messages, or None when nothing in them is new."""
    draft = _Draft(snapshot, policy)
    for message in messages:
        draft.take(message, now)
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
        operations=(*snapshot.operations, *change.operations),
    )


def alarm_rows(
    entity: str, snapshot: Snapshot, messages: Sequence[Message], policy: Policy
) -> list[AlarmRow]:
    """Return the alarms that these messages speak of, whether or not they changed them, as lists show them."""
    known = alarms.decode(snapshot.state)
    statuses = {row.command_id: row.status for row in snapshot.commands}

    def row(alarm: Alarm) -> AlarmRow:
        command = next(reversed(alarm.commands), None)
        return AlarmRow(
            alarm_id=alarm.alarm_id,
            entity=entity,
            condition=alarm.condition,
            opened_at=alarm.opened_at,
            version=snapshot.version,
            state=shown(known, alarm),
            event_id=alarm.event_id,
            alerts=alarm.alerts,
            command_id=command,
            command_status=None if command is None else _status(alarm, command, statuses),
            due_at=due_at(known, alarm, policy),
        )

    return [row(alarm) for alarm in _spoken_of(known, messages)]


def audit_entries(snapshot: Snapshot, messages: Sequence[Message]) -> list[AuditEntry]:
    """Return the entries of the operations among these messages, as they were decided first."""
    asked = {m.operation_id for m in messages if isinstance(m, Operation)}
    return [operations.decode_entry(row.body) for row in snapshot.operations if row.operation_id in asked]


def _spoken_of(known: Alarms, messages: Sequence[Message]) -> list[Alarm]:
    if any(isinstance(m, Wake) for m in messages):
        return list(known.all)
    conditions = {m.model for m in messages if isinstance(m, Score)}
    conditions |= {m.condition for m in messages if isinstance(m, Operation)}
    spoken_of = {m.alarm_id for m in messages if isinstance(m, Ack)}
    return [a for a in known.all if a.condition in conditions or a.alarm_id in spoken_of]


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
        self._decided = {row.operation_id for row in snapshot.operations}
        self._operations: list[OperationRow] = []

    def take(self, message: Message, now: int) -> None:
        match message:
            case Ack():
                self._answer(message)
            case Operation():
                self._operate(message, now)
            case Wake():
                self._alarms = settle_all(self._alarms, now, self._policy)
            case _:
                self._alert(message, now)

    def _alert(self, score: Score, now: int) -> None:
        name = alert_id(score.event_id, score.model)
        if name in self._snapshot.alerts or name in self._taken:
            return
        self._alarms, commands = take_alert(self._alarms, score, now, self._policy)
        self._taken[name] = None
        for command in commands:
            self._put(_row(command))

    def _answer(self, ack: Ack) -> None:
        self._alarms = take_ack(self._alarms, ack)
        row = self._rows.get(ack.command_id)
        if row is not None and row.status in UNANSWERED:
            self._put(_moved(row, ack.outcome))

    def _operate(self, operation: Operation, now: int) -> None:
        if operation.operation_id in self._decided:
            return
        self._alarms, entry = operate(self._alarms, operation, now, self._policy)
        self._decided.add(operation.operation_id)
        self._operations.append(OperationRow(operation.operation_id, operations.encode(entry).decode()))

    def change(self) -> Change | None:
        moved = self._taken or self._changed or self._operations
        if not (moved or self._alarms is not self._before):
            return None
        return Change(
            state=alarms.encode(self._alarms),
            alerts=tuple(self._taken),
            commands=tuple(self._changed.values()),
            operations=tuple(self._operations),
        )

    def _put(self, row: CommandRow) -> None:
        self._rows[row.command_id] = self._changed[row.command_id] = row


def _row(command: Command) -> CommandRow:
    return CommandRow(command_id=command.command_id, status=QUEUED, body=encode(command).decode())


def _moved(row: CommandRow, status: CommandStatus) -> CommandRow:
    return replace(row, status=status)
