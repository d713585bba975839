"""What alarms, their alerts and commands do to the case of an entity, pure.

One case is open at most. An alarm that is severe enough opens it; every other alarm that is open, every alert and
every command of these alarms join it, up to a bound, and stay in it as they were. A case that was closed stays so: an
alarm that is in it opens another only when it gets worse.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final, TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, shown
from actors.case import Case, Cases, Piece, case_id
from actors.case_evidence import as_severe_as, concerns, with_alarm, with_order, with_piece
from actors.transitions import Transition
from models.alarms import ACTIVE, SEVERITIES, ChangeKind, Severity
from models.cases import digest_of, terminal_of
from models.orders import Order
from models.policies.cases import DEFAULT, CasePolicy
from models.scores import Score
from storage.entities import alert_id

PolicyOf: TypeAlias = Callable[[str], CasePolicy]
"""The policy of a model."""

BY_POLICY: Final = "policy"

RECENT_KEPT: Final = 16
"""Most alerts that are remembered for a case to come."""

PAST_KEPT: Final = 4
"""Most cases that are remembered behind the latest one."""

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
            if alert is not None:
                case, alert = replace(case, alerts=dict([_piece(alert, now)])), None
            cases = opened(replace(cases, number=cases.number + 1), case, alarms, now, policy_of)
    return cases if alert is None else _with_alert(cases, alert, now, policy_of(alert.model))


def follow_orders(cases: Cases, orders: Mapping[str, Order], now: int, changed: Container[str] = ()) -> Cases:
    """Return the cases with the commands that belong to the open one: as they were first, and how they ended.

    Parameters
    ----------
    orders
        All commands of the entity, by id.
    now
        Milliseconds since the epoch.
    changed
        The ids of those that have just changed.
    """
    case = cases.open
    if case is None:
        return cases
    for name, order in orders.items():
        if concerns(order, case):
            case = with_order(case, order, now, counts=name in changed)
    return with_case(cases, case)


def opened(cases: Cases, case: Case, alarms: Alarms, now: int, policy_of: PolicyOf) -> Cases:
    """Return the cases with this one as the latest, and in it what is known of the alarms that are open."""
    past = cases.past if cases.latest is None else (*cases.past, cases.latest)[-PAST_KEPT:]
    for alarm in _open(alarms):
        case = with_alarm(case, alarms, alarm, now)
    since = {seen.condition: seen.opened_at for seen in case.alarms.values()}
    for name, p in reversed(cases.recent.items()):
        model = name.rpartition("/")[2]
        if p.joined_at >= since.get(model, now + 1):
            earlier = Piece(p.joined_at, p.event_time, p.digest, p.terminal, earlier=True)
            case = with_piece(case, name, earlier, policy_of(model))
    return replace(cases, latest=case, past=past, recent={})


def published(cases: Cases, label_ids: Container[str]) -> Cases:
    """Return the cases without the labels that Kafka has; the same object when it has none of them."""
    left = tuple(label for label in cases.unpublished if label.event_id not in label_ids)
    return cases if left == cases.unpublished else replace(cases, unpublished=left)


def with_case(cases: Cases, case: Case) -> Cases:
    """Return the cases with the latest one in this state; the same object when it is the same."""
    return cases if case is cases.latest else replace(cases, latest=case)


def due_after(alarms: Alarms, policy_of: PolicyOf) -> int | None:
    """Return how long a case about these alarms may take in milliseconds: the shortest time of their policies."""
    policies = [policy_of(alarm.condition) for alarm in _open(alarms)] or [policy_of(DEFAULT)]
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
        return with_alarm(case, alarms, transition.alarm, now)
    return as_severe_as(case, transition.alarm)


def _with_alert(cases: Cases, alert: Score, now: int, policy: CasePolicy) -> Cases:
    name, piece = _piece(alert, now)
    case = cases.open
    if case is None:
        kept = [*cases.recent.items(), (name, piece)][-RECENT_KEPT:]
        return replace(cases, recent=dict(kept))
    return with_case(cases, with_piece(case, name, piece, policy))


def _piece(alert: Score, now: int) -> tuple[str, Piece]:
    piece = Piece(now, alert.event_time, digest_of(alert), terminal_of(alert))
    return alert_id(alert.event_id, alert.model), piece
