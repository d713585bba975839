"""What alarms, their alerts and commands do to the case of an entity, pure.

One case is open at most. An alarm that is severe enough opens it; every other alarm that is open, every alert and
every command of these alarms join it, up to a bound, and stay in it as they were. A case that was closed stays so: an
alarm that is in it opens another only when it gets worse.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final, TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, shown
from actors.case import Case, Cases, Moment, Piece, case_id
from actors.transitions import Transition
from models.actions import ENDED
from models.alarms import ACTIVE, SEVERITIES, ChangeKind, Severity
from models.cases import AlarmSeen, digest_of, severer, terminal_of
from models.orders import Order
from models.policies.cases import CasePolicy
from models.scores import Score
from storage.entities import alert_id

PolicyOf: TypeAlias = Callable[[str], CasePolicy]
"""The policy of a model."""

BY_POLICY: Final = "policy"

RECENT_KEPT: Final = 16
"""Most alerts that are remembered for a case to come."""

PAST_KEPT: Final = 4
"""Most cases that are remembered behind the latest one."""

JOINED_MOST: Final = 100
"""Most alarms, and most states of commands, that a case keeps."""

_OPENING: Final[frozenset[ChangeKind]] = frozenset(
    {"opened", "escalated", "reactivated", "unshelved", "unsuppressed", "put_in_service"}
)


def follow(
    cases: Cases,
    alarms: Alarms,
    transitions: Iterable[Transition],
    now: int,
    policy_of: PolicyOf,
    *,
    entity: str,
    alert: Score | None = None,
) -> Cases:
    """Return the cases after something happened to the alarms of an entity; the same object when nothing concerns them.

    Parameters
    ----------
    alarms, transitions
        The alarms afterwards, and what has changed.
    now
        Milliseconds since the epoch.
    alert
        The alert that was taken, if one was.
    """
    for transition in transitions:
        case = cases.open
        if case is not None:
            cases = with_case(cases, _with_transition(case, alarms, transition, now))
        elif _opens(cases, alarms, transition, policy_of):
            case = _by_policy(cases, entity, transition.alarm, now, policy_of)
            cases = opened(replace(cases, number=cases.number + 1), case, alarms, now)
    return cases if alert is None else _with_alert(cases, alert, now, policy_of(alert.model))


def follow_orders(cases: Cases, orders: Mapping[str, Order], changed: Container[str] = ()) -> Cases:
    """Return the cases with the commands that belong to the open one: as they were first, and how they ended.

    Parameters
    ----------
    orders
        All commands of the entity, by id.
    changed
        The ids of those that have just changed.
    """
    case = cases.open
    if case is None:
        return cases
    for name, order in orders.items():
        if _concerns(case, order):
            case = _with_order(case, order, counts=name in changed)
    return with_case(cases, case)


def opened(cases: Cases, case: Case, alarms: Alarms, now: int) -> Cases:
    """Return the cases with this one as the latest, and in it what is known of the alarms that are open."""
    past = cases.past if cases.latest is None else (*cases.past, cases.latest)[-PAST_KEPT:]
    for alarm in _open(alarms):
        case = _with_alarm(case, alarms, alarm, now)
    since = {seen.condition: seen.opened_at for seen in case.alarms.values()}
    earlier = {
        name: Piece(p.joined_at, p.event_time, p.digest, p.terminal, earlier=True)
        for name, p in cases.recent.items()
        if p.joined_at >= since.get(name.rpartition("/")[2], now + 1)
    }
    return replace(cases, latest=replace(case, alerts=earlier), past=past, recent={})


def published(cases: Cases, label_ids: Container[str]) -> Cases:
    """Return the cases without the labels that Kafka has; the same object when it has none of them."""
    left = tuple(label for label in cases.unpublished if label.event_id not in label_ids)
    return cases if left == cases.unpublished else replace(cases, unpublished=left)


def with_case(cases: Cases, case: Case) -> Cases:
    """Return the cases with the latest one in this state; the same object when it is the same."""
    return cases if case is cases.latest else replace(cases, latest=case)


def due_after(alarms: Alarms, policy_of: PolicyOf) -> int | None:
    """Return how long a case about these alarms may take in milliseconds: the shortest time of their policies."""
    policies = [policy_of(alarm.condition) for alarm in _open(alarms)] or [CasePolicy()]
    return min((p.due_after for p in policies if p.due_after is not None), default=None)


def worst(alarms: Alarms) -> Severity:
    """Return the worst severity of the alarms that are open."""
    return max((alarm.severity for alarm in _open(alarms)), key=SEVERITIES.index, default="low")


def _opens(cases: Cases, alarms: Alarms, transition: Transition, policy_of: PolicyOf) -> bool:
    alarm = transition.alarm
    opens_at = policy_of(alarm.condition).opens_at
    return (
        opens_at is not None
        and transition.change in _OPENING
        and shown(alarms, alarm) in ACTIVE
        and SEVERITIES.index(alarm.severity) >= SEVERITIES.index(opens_at)
        and (transition.change == "escalated" or not any(alarm.alarm_id in case.alarms for case in cases.all))
    )


def _by_policy(cases: Cases, entity: str, alarm: Alarm, now: int, policy_of: PolicyOf) -> Case:
    lasts = policy_of(alarm.condition).due_after
    return Case(
        case_id=case_id(entity, cases.number),
        opened_at=now,
        opened_by=BY_POLICY,
        why=f"{alarm.condition} is {alarm.severity}",
        severity=alarm.severity,
        due_at=None if lasts is None else now + lasts,
    )


def _open(alarms: Alarms) -> list[Alarm]:
    return [a for a in alarms.by_condition.values() if a.is_open and a.state != "pending"]


def _with_transition(case: Case, alarms: Alarms, transition: Transition, now: int) -> Case:
    if transition.change == "opened":
        return _with_alarm(case, alarms, transition.alarm, now)
    return _as_severe_as(case, transition.alarm)


def _with_alarm(case: Case, alarms: Alarms, alarm: Alarm, now: int) -> Case:
    case = _as_severe_as(case, alarm)
    if alarm.alarm_id in case.alarms:
        return case
    if len(case.alarms) >= JOINED_MOST:
        return replace(case, left_out=replace(case.left_out, alarms=case.left_out.alarms + 1))
    return replace(case, alarms={**case.alarms, alarm.alarm_id: _seen(alarms, alarm, now)})


def _as_severe_as(case: Case, alarm: Alarm) -> Case:
    if not alarm.is_open:
        return case
    severity = severer(case.severity, alarm.severity)
    return case if severity == case.severity else replace(case, severity=severity)


def _seen(alarms: Alarms, alarm: Alarm, now: int) -> AlarmSeen:
    return AlarmSeen(
        alarm_id=alarm.alarm_id,
        condition=alarm.condition,
        state=shown(alarms, alarm),
        severity=alarm.severity,
        event_id=alarm.event_id,
        opened_at=alarm.opened_at,
        joined_at=now,
        alerts=alarm.alerts,
        peak=alarm.peak,
    )


def _with_alert(cases: Cases, alert: Score, now: int, policy: CasePolicy) -> Cases:
    name = alert_id(alert.event_id, alert.model)
    piece = Piece(now, alert.event_time, digest_of(alert), terminal_of(alert))
    case = cases.open
    if case is None:
        kept = [*cases.recent.items(), (name, piece)][-RECENT_KEPT:]
        return replace(cases, recent=dict(kept))
    if len(case.alerts) >= policy.evidence:
        left_out = replace(case.left_out, alerts=case.left_out.alerts + 1)
        return with_case(cases, replace(case, left_out=left_out))
    return with_case(cases, replace(case, alerts={**case.alerts, name: piece}))


def _concerns(case: Case, order: Order) -> bool:
    alarm = order.command.alarm_id
    return order.command.issued_at >= case.opened_at if alarm is None else alarm in case.alarms


def _with_order(case: Case, order: Order, *, counts: bool) -> Case:
    name, ended = f"{order.command.command_id}/{order.status}", order.status in ENDED
    if name in case.commands or (order.command.command_id in _commands(case) and not ended):
        return case
    if len(case.commands) < JOINED_MOST:
        return replace(
            case, commands={**case.commands, name: Moment(order.changed_at, order.status, order.reason)}
        )
    if not (counts and ended):
        return case
    return replace(case, left_out=replace(case.left_out, commands=case.left_out.commands + 1))


def _commands(case: Case) -> set[str]:
    return {name.rpartition("/")[0] for name in case.commands}
