"""The alarms and cases of one card in memory, changed step by step."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actors import case_work
from actors.alarm import Alarm, Alarms, alarm_id, with_alarm
from actors.case import Case, Cases
from actors.cases import follow, follow_orders
from actors.transitions import Transition
from models.actions import Command
from models.alarms import ChangeKind
from models.operations import AuditEntry, CaseOperation
from models.orders import Order
from models.policies.cases import CasePolicies
from models.scores import Score

CARD = "tok_" + "0" * 24
POLICIES = CasePolicies.model_validate(
    {
        "default": {"due_after": "2d"},
        "fraud": {"opens_at": "high", "due_after": "1d", "evidence": 3},
        "velocity": {"due_after": "12h"},
    }
)


class Desk:
    """The alarms and cases of one card, changed step by step."""

    def __init__(self, alert: Callable[..., Score]) -> None:
        self.alert = alert
        self.alarms = Alarms()
        self.cases = Cases()
        self.now = 1_000_000
        self.events = 0

    @property
    def case(self) -> Case:
        assert self.cases.latest is not None
        return self.cases.latest

    def happens(
        self, model: str = "fraud", change: ChangeKind | None = None, *, alert: bool = True, **fields: Any
    ) -> Score | None:
        """Let an alert, or time, change the alarm of a model."""
        self.now += 10
        self.events += 1
        taken = self.scored(f"tx{self.events}", model) if alert else None
        known = self.alarms.by_condition.get(model)
        alarm = replace(known, **fields) if known and change != "opened" else self.opened(model, **fields)
        alarm = replace(alarm, alerts=alarm.alerts + (taken is not None))
        self.alarms = with_alarm(self.alarms, alarm)
        transitions = () if change is None else (Transition(change, alarm, taken),)
        self.cases = follow(
            self.cases, self.alarms, transitions, self.now, POLICIES.of, entity=CARD, alert=taken
        )
        return taken

    def scored(self, event_id: str, model: str) -> Score:
        event = {"card": CARD, "terminal": "T1", "amount": 1.0}
        return replace(self.alert(event_id, model=model), event=event, event_time=self.now - 500)

    def opened(self, model: str, **fields: Any) -> Alarm:
        opening = self.scored(f"tx{self.events}", model)
        values: dict[str, Any] = {
            "alarm_id": alarm_id(opening),
            "condition": model,
            "state": "active_unacknowledged",
            "event_id": opening.event_id,
            "event_time": opening.event_time,
            "opened_at": self.now,
            "last_alert_at": self.now,
            "alerts": 0,
            "peak": 0.9,
        }
        return Alarm(**{**values, **fields})

    def ask(self, action: Any, who: str = "ann", why: str = "", **fields: Any) -> AuditEntry:
        """Let an investigator do something."""
        self.now += 10
        target = fields.pop("case_id", None) or (self.cases.latest.case_id if self.cases.latest else "case-0")
        operation = CaseOperation(
            operation_id=f"o{self.now}",
            entity=CARD,
            who=who,
            why=why,
            asked_at=self.now,
            expires_at=fields.pop("expires_at", self.now + 5),
            action=action,
            case_id=target,
            **fields,
        )
        self.cases, entry = case_work.operate(self.cases, self.alarms, operation, self.now, POLICIES.of)
        return entry

    def ordered(
        self, status: Any, command_id: str = "k1", alarm: str | None = None, reason: str = ""
    ) -> None:
        """Let a command come into a state."""
        self.now += 10
        command = Command(
            command_id=command_id,
            kind="block_card",
            entity=CARD,
            issued_at=self.now,
            expires_at=self.now + 9,
            alarm_id=alarm,
        )
        order = Order(command=command, status=status, changed_at=self.now, reason=reason)
        self.cases = follow_orders(self.cases, {command_id: order}, self.now, {command_id})
