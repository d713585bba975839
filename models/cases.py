"""Cases: what investigators work, the evidence in them, and the labels that their outcome becomes."""

from hashlib import blake2b
from typing import Any, Final, Literal, TypeAlias

import msgspec

from models import events
from models.actions import Command, CommandStatus
from models.alarms import SEVERITIES, AlarmState, Severity
from models.errors import RejectEventError
from models.events import Label
from models.operations import CaseOutcome
from models.scores import Score

CaseState = Literal["open", "assigned", "closed"]
"""`open`: nobody works it. A closed case stays closed: a later alarm opens another."""

OPEN_STATES: Final[tuple[CaseState, ...]] = ("open", "assigned")

VERDICTS: Final[dict[CaseOutcome, bool]] = {"confirmed": True, "false_alarm": False}
"""What an outcome says of the transactions in evidence; one that is not here says nothing."""

EvidenceKind = Literal["alarm", "alert", "command"]


class AlarmSeen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="alarm"):
    """An alarm as it was when it joined a case.

    Attributes
    ----------
    state, severity
        As operators saw them.
    event_id
        The event whose alert opened it.
    opened_at, joined_at
        Milliseconds since the epoch.
    alerts, peak
        How many alerts it had taken by then, and the worst score among them.
    """

    alarm_id: str
    condition: str
    state: AlarmState
    severity: Severity
    event_id: str
    opened_at: int
    joined_at: int
    alerts: int
    peak: float

    @property
    def name(self) -> str:
        """Names this piece among those of its kind."""
        return self.alarm_id


class AlertSeen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="alert"):
    """An alert as it was taken: the event, its features, the score, its reasons and the model's version.

    Attributes
    ----------
    alert_id
        Event and model.
    joined_at
        When the actor took it, milliseconds since the epoch.
    score
        The alert. None when it had come before the case was opened: the score store has it, and `digest` tells
        whether that is the same still.
    digest
        Of the alert that was taken.
    """

    alert_id: str
    joined_at: int
    digest: str
    score: Score | None

    @property
    def name(self) -> str:
        """Names this piece among those of its kind."""
        return self.alert_id


class CommandSeen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="command"):
    """A command in one state, and why it was in it.

    Attributes
    ----------
    changed_at, joined_at
        When it came into the state, and when that joined the case; milliseconds since the epoch.
    """

    command: Command
    status: CommandStatus
    reason: str
    changed_at: int
    joined_at: int

    @property
    def name(self) -> str:
        """Names this piece among those of its kind."""
        return f"{self.command.command_id}/{self.status}"


Evidence: TypeAlias = AlarmSeen | AlertSeen | CommandSeen


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much did not fit into a case."""

    alarms: int = 0
    alerts: int = 0
    commands: int = 0

    @property
    def all(self) -> int:
        """Their sum."""
        return self.alarms + self.alerts + self.commands


_encoder = msgspec.json.Encoder(order="deterministic")
_evidence: msgspec.json.Decoder[Evidence] = msgspec.json.Decoder(Evidence)


def encode(evidence: Evidence) -> str:
    """Return a piece of evidence as text, always the same for the same piece."""
    return _encoder.encode(evidence).decode()


def decode(body: str) -> Evidence:
    """Read a piece of evidence, as this module has encoded it."""
    return _evidence.decode(body)


def kind_of(evidence: Evidence) -> EvidenceKind:
    """Return what kind of evidence it is."""
    kind: EvidenceKind = evidence.__struct_config__.tag  # type: ignore[assignment] # a test holds them to EvidenceKind
    return kind


def digest_of(alert: Score) -> str:
    """Return what tells this alert from another one of the same event and model."""
    return blake2b(_encoder.encode(alert), digest_size=6).hexdigest()


def severer(one: Severity, other: Severity) -> Severity:
    """Return the worse of two severities."""
    return max(one, other, key=SEVERITIES.index)


def terminal_of(alert: Score) -> str | None:
    """Return the terminal of the transaction that an alert is about; None when it is about anything else."""
    try:
        label = _label("any", alert.event_id, alert.event_time, alert.event, fraud=False)
    except RejectEventError:
        return None
    return label.terminal if label.card == alert.entity else None


def label_of(
    case_id: str, transaction_id: str, card: str, terminal: str, *, fraud: bool, known_at: int
) -> Label:
    """Return what a case says of one transaction; its id is the same however often it is asked for.

    Parameters
    ----------
    known_at
        In the time of the events, milliseconds since the epoch.
    """
    digest = blake2b(f"{case_id}\x00{transaction_id}".encode(), digest_size=12).hexdigest()
    where = {"card": card, "terminal": terminal}
    return _label(f"label-{digest}", transaction_id, known_at, where, fraud=fraud)


def _label(label_id: str, transaction_id: str, at: int, where: dict[str, Any], *, fraud: bool) -> Label:
    fields = {"event_id": label_id, "event_time": at, "transaction_id": transaction_id, "fraud": fraud}
    label = events.build("label", {**fields, "card": where.get("card"), "terminal": where.get("terminal")})
    assert isinstance(label, Label)
    return label
