"""What an entity's actor keeps of its cases: as much as decisions need. The evidence itself lies in the store.

An entity has at most one open case. Case ids are derived from the entity and a number, so that doing the same again
names the same case.
"""

import msgspec

from actors.alarm import digest
from models.actions import CommandStatus
from models.alarms import Severity
from models.cases import AlarmSeen, CaseState, LeftOut
from models.events import Label
from models.operations import CaseOutcome


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """An alert in evidence, without the alert.

    Attributes
    ----------
    joined_at, event_time
        When it was taken and when its event happened, milliseconds since the epoch.
    digest
        Of the alert that was taken.
    terminal
        Where the transaction took place; None for anything but a transaction.
    earlier
        Whether it was taken before the case was opened.
    """

    joined_at: int
    event_time: int
    digest: str
    terminal: str | None
    earlier: bool = False


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """A command in one state: when that joined the case and when it began (milliseconds since the epoch), and why."""

    joined_at: int
    changed_at: int
    status: CommandStatus
    reason: str


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case. Times are milliseconds since the epoch.

    Attributes
    ----------
    opened_by, why
        `policy` or an investigator, and the reason.
    severity
        The worst of its alarms so far.
    assignee
        Who works it; of a closed case, who closed it.
    alarms, alerts, commands
        What is in evidence: alarms and alerts by id, commands by id and status.
    """

    case_id: str
    opened_at: int
    opened_by: str
    why: str
    severity: Severity
    due_at: int | None = None
    assignee: str | None = None
    outcome: CaseOutcome | None = None
    closed_at: int | None = None
    alarms: dict[str, AlarmSeen] = {}
    alerts: dict[str, Piece] = {}
    commands: dict[str, Moment] = {}
    left_out: LeftOut = LeftOut()

    @property
    def state(self) -> CaseState:
        """Return the state that lists show."""
        if self.outcome is not None:
            return "closed"
        return "open" if self.assignee is None else "assigned"


class Cases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is kept of an entity's cases.

    Attributes
    ----------
    number
        How many the policy has opened.
    latest
        The one that was opened last; only it may be open.
    past
        Some that it has followed.
    recent
        Alerts that were taken last while no case was open, by id.
    unpublished
        Labels that outcomes became and that Kafka may not have yet.
    """

    number: int = 0
    latest: Case | None = None
    past: tuple[Case, ...] = ()
    recent: dict[str, Piece] = {}
    unpublished: tuple[Label, ...] = ()

    @property
    def open(self) -> Case | None:
        """The case that is open, if one is."""
        return None if self.latest is None or self.latest.outcome is not None else self.latest

    @property
    def all(self) -> tuple[Case, ...]:
        """Every case that is still known."""
        return self.past if self.latest is None else (*self.past, self.latest)

    def named(self, case_id: str) -> Case | None:
        """Return the case of this id, if it is still known."""
        return next((case for case in self.all if case.case_id == case_id), None)


def case_id(entity: str, number: int) -> str:
    """Name the case that the policy opens as its so manieth of an entity."""
    return f"case-{digest(entity, str(number))}"


def shown(case: Case | None) -> str | None:
    """Return how a case stands, for people and the audit."""
    if case is None:
        return None
    if case.outcome is not None:
        return f"closed: {case.outcome}"
    return "open" if case.assignee is None else f"assigned to {case.assignee}"
