"""What requests and answers hold, beside the rows of the stores. All times are milliseconds since the epoch."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from actors.alarm import Alarm
from models import cases
from models.alarms import LifeState, Severity
from models.cases import Evidence, EvidenceKind
from models.operations import AuditEntry, Verdict
from pipeline.cases import Told as ToldCase
from pipeline.operators import Told as ToldAlarm
from storage.alarms import AlarmRow
from storage.cases import CaseRow

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


def _life(life: Alarm) -> Life:
    return Life.model_validate({name: getattr(life, name) for name in Life.model_fields})


def _piece(evidence: Evidence) -> Piece:
    return Piece(
        kind=cases.kind_of(evidence),
        name=evidence.name,
        joined_at=evidence.joined_at,
        body=msgspec.to_builtins(evidence),
    )
