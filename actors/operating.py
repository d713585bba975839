"""What an operator's action does to the alarms of one entity, pure: it fits their state, or it is refused with a reason.

Silence is left to the sweep, which knows whether all alerts were taken: an alarm that is due to return does so
after the action, with the same outcome.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from actors import shelving
from actors.alarm import Alarm, Alarms, shown
from actors.attention import attended
from actors.timers import finish, settle
from actors.transitions import Step, Transitions, changed, then
from models.alarms import CLOSED, PENDING
from models.operations import AlarmAction, AlarmOperation, AuditEntry
from models.policies.alarms import AlarmPolicy
from models.policies.policies import Policies

Outcome: TypeAlias = Step | str
"""The step that is made, or why none is."""


def operate(
    alarms: Alarms, operation: AlarmOperation, now: int, policies: Policies
) -> tuple[Alarms, Transitions, AuditEntry]:
    """Apply an operation that was never taken before, or refuse it.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    before = then(settle(alarms, now, policies), lambda a: finish(a, operation.entity, now, policies))
    outcome = _outcome(before[0], operation, now, policies)
    step = before if isinstance(outcome, str) else then(before, lambda _: outcome)
    after, transitions = then(step, lambda a: finish(a, operation.entity, now, policies))
    return (
        after,
        transitions,
        AuditEntry(
            operation=operation,
            verdict="refused" if isinstance(outcome, str) else "applied",
            reason=outcome if isinstance(outcome, str) else "",
            decided_at=now,
            before=_seen(before[0], operation),
            after=_seen(after, operation),
        ),
    )


def _outcome(alarms: Alarms, operation: AlarmOperation, now: int, policies: Policies) -> Outcome:
    if now > operation.expires_at:
        return f"it came {now - operation.expires_at} ms after it had expired"
    latest = alarms.by_condition.get(operation.condition)
    if latest is None:
        return f"{operation.entity} never had an alarm of {operation.condition}"
    return _APPLY[operation.action](alarms, latest, operation, now, policies.alarms.of(latest.condition))


def _acknowledge(
    alarms: Alarms, latest: Alarm, operation: AlarmOperation, now: int, policy: AlarmPolicy
) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    match latest.state:
        case "pending":
            return "it is pending: there is nothing to acknowledge until it is active"
        case "active_unacknowledged":
            return changed(alarms, attended(latest, "active_acknowledged", now), "acknowledged")
        case "returned_unacknowledged" if policy.latched:
            return changed(alarms, attended(latest, "latched", now), "acknowledged", "latched")
        case "returned_unacknowledged":
            return changed(alarms, attended(latest, CLOSED, now), "acknowledged", "closed")
        case _:
            return "it is acknowledged already"


def _reset(
    alarms: Alarms, latest: Alarm, operation: AlarmOperation, now: int, _policy: AlarmPolicy
) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    if latest.state != "latched":
        return f"only a latched alarm is reset, and it is {latest.state}"
    return changed(alarms, attended(latest, CLOSED, latest.acknowledged_at or now), "reset", "closed")


def _shelve(
    alarms: Alarms, latest: Alarm, operation: AlarmOperation, now: int, _policy: AlarmPolicy
) -> Outcome:
    if (over := _over(latest, operation)) is not None:
        return over
    if operation.until is None and not (latest.is_active or latest.state == PENDING):
        return "it has returned already: shelve it for a time, or acknowledge it"
    if operation.until is not None and operation.until <= now:
        return "the shelf would have ended already"
    return shelving.shelved(alarms, latest.condition, operation.until)


def _unshelve(
    alarms: Alarms, latest: Alarm, _operation: AlarmOperation, _now: int, _policy: AlarmPolicy
) -> Outcome:
    if latest.condition not in alarms.shelves:
        return f"{latest.condition} is not shelved"
    return shelving.unshelved(alarms, latest.condition)


def _note(
    alarms: Alarms, _latest: Alarm, operation: AlarmOperation, _now: int, _policy: AlarmPolicy
) -> Outcome:
    return (alarms, ()) if operation.why.strip() else "a note needs a text"


def _take_out_of_service(
    alarms: Alarms, latest: Alarm, _operation: AlarmOperation, _now: int, _policy: AlarmPolicy
) -> Outcome:
    if latest.condition in alarms.out_of_service:
        return f"{latest.condition} is out of service already"
    return shelving.taken_out_of_service(alarms, latest.condition)


def _put_in_service(
    alarms: Alarms, latest: Alarm, _operation: AlarmOperation, _now: int, _policy: AlarmPolicy
) -> Outcome:
    if latest.condition not in alarms.out_of_service:
        return f"{latest.condition} is in service"
    return shelving.put_in_service(alarms, latest.condition)


def _over(latest: Alarm, operation: AlarmOperation) -> str | None:
    if latest.alarm_id != operation.alarm_id:
        return f"it is not the latest alarm of {latest.condition}: that is {latest.alarm_id} ({latest.state})"
    return None if latest.is_open else "it is closed"


def _seen(alarms: Alarms, operation: AlarmOperation) -> str | None:
    alarm = alarms.named(operation.alarm_id)
    return None if alarm is None else shown(alarms, alarm)


_Apply: TypeAlias = Callable[[Alarms, Alarm, AlarmOperation, int, AlarmPolicy], Outcome]

_APPLY: Final[Mapping[AlarmAction, _Apply]] = MappingProxyType(
    {
        "acknowledge": _acknowledge,
        "reset": _reset,
        "shelve": _shelve,
        "unshelve": _unshelve,
        "note": _note,
        "take_out_of_service": _take_out_of_service,
        "put_in_service": _put_in_service,
    }
)
