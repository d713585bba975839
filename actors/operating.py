"""What an operator's action does to the alarms of one entity, pure: it fits their state, or it is refused with a reason."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, Shelf, shown, with_alarm
from actors.silence import settle, unshelved
from actors.transitions import Transition, Transitions
from models.alarms import CLOSED, ChangeKind
from models.operations import AlarmAction, AlarmOperation, AuditEntry
from models.policies.policies import Policies

Outcome: TypeAlias = Alarms | str
"""The alarms afterwards, or why they stay as they are."""


def operate(
    alarms: Alarms, operation: AlarmOperation, now: int, policies: Policies
) -> tuple[Alarms, Transitions, AuditEntry]:
    """Apply an operation that was never taken before, or refuse it.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    before, settled = settle(alarms, operation.condition, now, policies)
    outcome = _outcome(before, operation, now)
    after = before if isinstance(outcome, str) else outcome
    return (
        after,
        (*settled, *_changes(before, after, operation)),
        AuditEntry(
            operation=operation,
            verdict="refused" if isinstance(outcome, str) else "applied",
            reason=outcome if isinstance(outcome, str) else "",
            decided_at=now,
            before=_seen(before, operation),
            after=_seen(after, operation),
        ),
    )


def _changes(before: Alarms, after: Alarms, operation: AlarmOperation) -> Transitions:
    change = _CHANGES.get(operation.action)
    return (
        ()
        if after is before or change is None
        else (Transition(change, after.by_condition[operation.condition]),)
    )


def _outcome(alarms: Alarms, operation: AlarmOperation, now: int) -> Outcome:
    if now > operation.expires_at:
        return f"it came {now - operation.expires_at} ms after it had expired"
    latest = alarms.by_condition.get(operation.condition)
    if latest is None:
        return f"{operation.entity} never had an alarm of {operation.condition}"
    return _APPLY[operation.action](alarms, latest, operation, now)


def _acknowledge(alarms: Alarms, latest: Alarm, operation: AlarmOperation, now: int) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    if latest.state == "active_acknowledged":
        return "it is acknowledged already"
    state = CLOSED if latest.state == "returned_unacknowledged" else "active_acknowledged"
    return with_alarm(alarms, replace(latest, state=state, acknowledged_at=now))


def _shelve(alarms: Alarms, latest: Alarm, operation: AlarmOperation, now: int) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    if operation.until is None and not latest.is_active:
        return "it has returned already: shelve it for a time, or acknowledge it"
    if operation.until is not None and operation.until <= now:
        return "the shelf would have ended already"
    return replace(alarms, shelves={**alarms.shelves, latest.condition: Shelf(until=operation.until)})


def _unshelve(alarms: Alarms, latest: Alarm, _operation: AlarmOperation, _now: int) -> Outcome:
    if latest.condition not in alarms.shelves:
        return f"{latest.condition} is not shelved"
    return unshelved(alarms, latest.condition)


def _note(alarms: Alarms, _latest: Alarm, operation: AlarmOperation, _now: int) -> Outcome:
    return alarms if operation.why.strip() else "a note needs a text"


def _take_out_of_service(alarms: Alarms, latest: Alarm, _operation: AlarmOperation, _now: int) -> Outcome:
    if latest.condition in alarms.out_of_service:
        return f"{latest.condition} is out of service already"
    return replace(alarms, out_of_service=(*alarms.out_of_service, latest.condition))


def _put_in_service(alarms: Alarms, latest: Alarm, _operation: AlarmOperation, _now: int) -> Outcome:
    if latest.condition not in alarms.out_of_service:
        return f"{latest.condition} is in service"
    return replace(alarms, out_of_service=tuple(c for c in alarms.out_of_service if c != latest.condition))


def _over(latest: Alarm, operation: AlarmOperation) -> str | None:
    if latest.alarm_id != operation.alarm_id:
        return f"it is not the latest alarm of {latest.condition}: that is {latest.alarm_id} ({latest.state})"
    return None if latest.is_open else "it is closed"


def _seen(alarms: Alarms, operation: AlarmOperation) -> str | None:
    alarm = alarms.named(operation.alarm_id)
    return None if alarm is None else shown(alarms, alarm)


_APPLY: Final[Mapping[AlarmAction, Callable[[Alarms, Alarm, AlarmOperation, int], Outcome]]] = (
    MappingProxyType(
        {
            "acknowledge": _acknowledge,
            "shelve": _shelve,
            "unshelve": _unshelve,
            "note": _note,
            "take_out_of_service": _take_out_of_service,
            "put_in_service": _put_in_service,
            "reset": lambda _alarms, _latest, _operation, _now: "it is not latched",
        }
    )
)

_CHANGES: Final[Mapping[AlarmAction, ChangeKind]] = MappingProxyType(
    {
        "acknowledge": "acknowledged",
        "shelve": "shelved",
        "unshelve": "unshelved",
        "take_out_of_service": "taken_out_of_service",
        "put_in_service": "put_in_service",
    }
)
