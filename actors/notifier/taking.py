"""How a change enters the ledger: known ones are dropped, a flood counts, routes collect, duties begin, go on or end."""

from collections.abc import Sequence

from actors.notifier import duties, flooding
from actors.notifier.routing import routes
from actors.notifier.sitting import Sitting
from models.alarms import AlarmChange
from models.policies.notifications import Route


def take(changes: Sequence[AlarmChange], sitting: Sitting) -> int:
    """Take changes, those of one alarm in their order; return how many were new. Durable on return."""
    if not changes:
        return 0
    with sitting.ledger.changing():
        new = [change for change in changes if sitting.ledger.is_new(change.change_id, sitting.now)]
        for change in new:
            _take(change, sitting)
    return len(new)


def _take(change: AlarmChange, sitting: Sitting) -> None:
    served = _follow(change, sitting)
    late = sitting.now - change.at > sitting.rules.oldest_ms
    flood = None if late else flooding.observe(change, sitting)
    for route in routes(sitting.rules.policy, change, sitting.now):
        if flood is not None:
            flooding.collapse(route, change, flood, sitting)
        elif not late:
            sitting.ledger.collect(route.name, change, sitting.now)
        if route.name not in served:
            _begin(route, change, sitting)


def _follow(change: AlarmChange, sitting: Sitting) -> set[str]:
    """Bring an alarm's duties up to date; return the routes that have one."""
    served = set()
    for duty in sitting.ledger.duties_of(change.alarm_id):
        left = duties.followed(duty, change)
        if left is None:
            sitting.ledger.end_duty(duty)
        else:
            sitting.ledger.set_duty(left)
            served.add(duty.route)
    return served


def _begin(route: Route, change: AlarmChange, sitting: Sitting) -> None:
    duty = duties.begun(route, change, sitting.now)
    if duty is not None:
        sitting.ledger.set_duty(duty)
