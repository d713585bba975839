"""What an operator's action does to the alarms of one entity, pure: it fits their state, or it is refused with a reason."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, Policy, Shelf, shown, with_alarm
from actors.silence import settle, unshelved
from models.alarms import CLOSED
from models.operations import Action, AuditEntry, Operation

Outcome: TypeAlias = Alarms | str
"""The alarms afterwards, or why they stay as they are."""


def operate(alarms: Alarms, operation: Operation, now: int, policy: Policy) -> tuple[Alarms, AuditEntry]:
    """Apply an operation that was never taken before, or refuse it.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    before = settle(alarms, operation.condition, now, policy)
    outcome = _outcome(before, operation, now)
    after = before if isinstance(outcome, str) else outcome
    return after, AuditEntry(
        operation=operation,
        verdict="refused" if isinstance(outcome, str) else "applied",
        reason=outcome if isinstance(outcome, str) else "",
        decided_at=now,
        before=_seen(before, operation),
        after=_seen(after, operation),
    )


def _outcome(alarms: Alarms, operation: Operation, now: int) -> Outcome:
    if now > operation.expires_at:
        return f"it came {now - operation.expires_at} ms after it had expired"
    latest = alarms.by_condition.get(operation.condition)
    if latest is None:
        return f"{operation.entity} never had an alarm of {operation.condition}"
    return _APPLY[operation.action](alarms, latest, operation, now)


def _acknowledge(alarms: Alarms, latest: Alarm, operation: Operation, now: int) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    if latest.state == "active_acknowledged":
        return "it is acknowledged already"
    state = CLOSED if latest.state == "returned_unacknowledged" else "active_acknowledged"
    return with_alarm(alarms, replace(latest, state=state, acknowledged_at=now))


def _shelve(alarms: Alarms, latest: Alarm, operation: Operation, now: int) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    if operation.until is None and not latest.is_active:
        return "it has returned already: shelve it for a time, or acknowledge it"
    if operation.until is not None and operation.until <= now:
        return "the shelf would have ended already"
    return replace(alarms, shelves={**alarms.shelves, latest.condition: Shelf(until=operation.until)})


def _unshelve(alarms: Alarms, latest: Alarm, _operation: Operation, _now: int) -> Outcome:
    if latest.condition not in alarms.shelves:
        return f"{latest.condition} is not shelved"
    return unshelved(alarms, latest.condition)


def _note(alarms: Alarms, _latest: Alarm, operation: Operation, _now: int) -> Outcome:
    return alarms if operation.why.strip() else "a note needs a text"


def _take_out_of_service(alarms: Alarms, latest: Alarm, _operation: Operation, _now: int) -> Outcome:
    if latest.condition in alarms.out_of_service:
        return f"{latest.condition} is out of service already"
    return replace(alarms, out_of_service=(*alarms.out_of_service, latest.condition))


def _put_in_service(alarms: Alarms, latest: Alarm, _operation: Operation, _now: int) -> Outcome:
    if latest.condition not in alarms.out_of_service:
        return f"{latest.condition} is in service"
    return replace(alarms, out_of_service=tuple(c for c in alarms.out_of_service if c != latest.condition))


def _over(latest: Alarm, operation: Operation) -> str | None:
    if latest.alarm_id != operation.alarm_id:
        return f"it is not the latest alarm of {latest.condition}: that is {latest.alarm_id} ({latest.state})"
    return None if latest.is_open else "it is closed"


def _seen(alarms: Alarms, operation: Operation) -> str | None:
    alarm = alarms.named(operation.alarm_id)
    return None if alarm is None else shown(alarms, alarm)


_APPLY: Final[Mapping[Action, Callable[[Alarms, Alarm, Operation, int], Outcome]]] = MappingProxyType(
    {
        "acknowledge": _acknowledge,
        "shelve": _shelve,
        "unshelve": _unshelve,
        "note": _note,
        "take_out_of_service": _take_out_of_service,
        "put_in_service": _put_in_service,
    }
)
