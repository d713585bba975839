"""What requests and answers hold, beside the rows of the stores. All times are milliseconds since the epoch."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from actors.alarm import Alarm
from models import cases, orders
from models.actions import CommandKind, CommandStatus
from models.alarms import LifeState, Severity
from models.cases import Evidence, EvidenceKind
from models.operations import AuditEntry, Verdict
from models.orders import Effect, Wait
from pipeline.cases import Told as ToldCase
from pipeline.commands import Told as ToldCommand
from pipeline.operators import Told as ToldAlarm
from storage.alarms import AlarmRow
from storage.cases import CaseRow
from storage.orders import OrderRow

Why: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=2_000, description="The reason, for the audit.")
]


class Wanted(BaseModel):
    """A change that is asked for."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class Entry(BaseModel):
    """What became of one operation, as the audit keeps it."""

    operation_id: str
    on: Literal["alarm", "command", "case"]
    action: str
    target: str = Field(description="The alarm, command or case.")
    entity: str
    who: str
    why: str
    asked_at: int
    verdict: Verdict
    reason: str = Field(description="Why it was refused; empty when it was applied.")
    decided_at: int
    before: str | None
    after: str | None


class Life(BaseModel):
    """An alarm as its actor keeps it."""

    state: LifeState
    severity: Severity
    alerts: int
    peak: float
    event_id: str
    event_time: int
    opened_at: int
    active_at: int | None
    last_alert_at: int
    acknowledged_at: int | None
    returned_at: int | None
    stale_at: int | None


class Shelved(BaseModel):
    """A condition set aside; `until` is null when it is so until its alarm returns."""

    until: int | None


class AlarmStory(BaseModel):
    """An alarm with everything that is known of it; `life` is null once other alarms have followed it."""

    alarm: AlarmRow
    life: Life | None
    shelf: Shelved | None
    audit: list[Entry]


class Piece(BaseModel):
    """A piece of evidence, as it joined the case."""

    kind: EvidenceKind
    name: str
    joined_at: int
    body: dict[str, Any]


class CaseStory(BaseModel):
    """A case with everything that is known of it."""

    case: CaseRow
    evidence: list[Piece]
    audit: list[Entry]


class CommandBody(BaseModel):
    """A command as its device gets it; `docs/gateway.md` tells what the fields mean."""

    command_id: str
    kind: CommandKind
    entity: str
    issued_at: int
    expires_at: int
    by: str
    alarm_id: str | None
    condition: str | None
    event_id: str | None
    event_time: int | None
    reverts: str | None
    cancels: str | None


class Order(BaseModel):
    """A command, and how far it has come."""

    command: CommandBody
    status: CommandStatus
    changed_at: int
    reason: str = Field(description="What the device said, or why it is kept back; may be empty.")
    policy: str | None = Field(description="The policy that allows it.")
    approvals: list[str]
    waits_for: Wait | None
    released_at: int | None
    sends: int
    sent_at: int | None
    times_out_at: int | None
    answered_at: int | None
    reverts_at: int | None
    reverted_by: str | None
    cancelled_by: str | None
    effect: Effect | None


class CommandStory(BaseModel):
    """A command with everything that is known of it."""

    order: Order
    due_at: int | None = Field(description="When time alone will change it.")
    audit: list[Entry]


class StopState(BaseModel):
    """Whether all commands are stopped; who, why and when it was said last."""

    stopped: bool
    who: str
    why: str
    at: int


def entry(found: AuditEntry) -> Entry:
    """Return an audit entry as the API tells it."""
    operation = found.operation
    return Entry(
        operation_id=operation.operation_id,
        on=operation.__struct_config__.tag,  # type: ignore[arg-type] # the tags are these words
        action=operation.action,
        target=operation.target,
        entity=operation.entity,
        who=operation.who,
        why=operation.why,
        asked_at=operation.asked_at,
        verdict=found.verdict,
        reason=found.reason,
        decided_at=found.decided_at,
        before=found.before,
        after=found.after,
    )


def alarm_story(told: ToldAlarm) -> AlarmStory:
    """Return what is known of an alarm as the API tells it."""
    return AlarmStory(
        alarm=told.row,
        life=None if told.life is None else _life(told.life),
        shelf=None if told.shelf is None else Shelved(until=told.shelf.until),
        audit=[entry(each) for each in told.audit],
    )


def case_story(told: ToldCase) -> CaseStory:
    """Return what is known of a case as the API tells it."""
    return CaseStory(
        case=told.row,
        evidence=[_piece(each) for each in told.evidence],
        audit=[entry(each) for each in told.audit],
    )


def order(row: OrderRow) -> Order:
    """Return a command as the API tells it."""
    return _order(orders.decode(row.body))


def command_story(told: ToldCommand) -> CommandStory:
    """Return what is known of a command as the API tells it."""
    return CommandStory(
        order=_order(told.order), due_at=told.row.due_at, audit=[entry(each) for each in told.audit]
    )


def _order(known: orders.Order) -> Order:
    command = {name: getattr(known.command, name) for name in CommandBody.model_fields}
    rest = {name: getattr(known, name) for name in Order.model_fields if name != "command"}
    return Order.model_validate({**rest, "command": command})


def _life(life: Alarm) -> Life:
    return Life.model_validate({name: getattr(life, name) for name in Life.model_fields})


def _piece(evidence: Evidence) -> Piece:
    return Piece(
        kind=cases.kind_of(evidence),
        name=evidence.name,
        joined_at=evidence.joined_at,
        body=msgspec.to_builtins(evidence),
    )
