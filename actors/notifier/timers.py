"""What falls due by time: groups of changes, alarms that nobody has acknowledged, floods that are over."""

from collections import defaultdict

from actors.notifier import duties, flooding, texts
from actors.notifier.messages import Draft
from actors.notifier.sitting import Sitting
from models.alarms import AlarmChange
from models.policies.notifications import Route


def look(sitting: Sitting, *, at_once: bool = False) -> None:
    """Turn what is due into messages; `at_once` does not wait for groups to fill. Durable on return."""
    with sitting.ledger.changing():
        _tell_groups(sitting, at_once=at_once)
        _escalate(sitting)
        for condition in sitting.ledger.flooding():
            flooding.end_if_over(condition, sitting.now, sitting)


def _tell_groups(sitting: Sitting, *, at_once: bool) -> None:
    policy = sitting.rules.policy
    for name, since in sitting.ledger.collecting().items():
        route = policy.route(name)
        if at_once or since + route.group_within <= sitting.now:
            changes = sitting.ledger.release(name, sitting.rules.most)
            draft = Draft(route=name, channels=policy.receivers(route), changes=tuple(changes))
            sitting.ledger.post(texts.of_changes(draft, sitting.rules.style, sitting.now))


def _escalate(sitting: Sitting) -> None:
    for name, due_at in sitting.ledger.duties_since().items():
        route = sitting.rules.policy.route(name)
        if due_at + route.group_within <= sitting.now:
            for draft in _climb(route, sitting):
                sitting.ledger.post(texts.of_escalation(draft, sitting.rules.style, sitting.now))


def _climb(route: Route, sitting: Sitting) -> list[Draft]:
    told: defaultdict[tuple[str, ...], list[AlarmChange]] = defaultdict(list)
    for duty in sitting.ledger.duties_due(route.name, sitting.now, sitting.rules.most):
        channels, left = duties.climbed(sitting.rules.policy, route, duty, sitting.now)
        told[channels].append(duty.alarm)
        if left is None:
            sitting.ledger.end_duty(duty)
        else:
            sitting.ledger.set_duty(left)
    return [
        Draft(route=route.name, channels=channels, changes=tuple(alarms)) for channels, alarms in told.items()
    ]
