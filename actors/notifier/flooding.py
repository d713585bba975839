"""Floods: each route is told once that a condition floods, and once that it no longer does; between, it counts."""

from msgspec.structs import replace

from actors.notifier import texts
from actors.notifier.messages import Flooded
from actors.notifier.sitting import Sitting
from models.alarms import AlarmChange
from models.floods import Flood, ended, observed, settled
from models.policies.notifications import Route


def observe(change: AlarmChange, sitting: Sitting) -> Flood | None:
    """Take note of an alarm that opens; return the flood that a change of this alarm is part of.

    A flood is over by the time of the changes, not of their reading, which may come late.
    """
    condition, ledger = change.condition, sitting.ledger
    end_if_over(condition, change.at, sitting)
    if change.change == "opened":
        rule = sitting.rules.flood(condition)
        ledger.set_watch(condition, observed(ledger.watch(condition), change.opened_at, rule))
    flood = ledger.watch(condition).flood
    return flood if flood is not None and change.opened_at >= flood.entered_at else None


def collapse(route: Route, change: AlarmChange, flood: Flood, sitting: Sitting) -> None:
    """Count a change instead of telling it; the first one tells of the flood."""
    known = sitting.ledger.flooded(change.condition).get(route.name)
    if known is not None:
        severity = texts.worst([known.severity, change.severity])
        sitting.ledger.set_flooded(replace(known, changes=known.changes + 1, severity=severity))
        return
    first = Flooded(route=route.name, condition=change.condition, changes=1, severity=change.severity)
    sitting.ledger.set_flooded(first)
    _tell(first, flood, sitting)


def end_if_over(condition: str, at: int, sitting: Sitting) -> None:
    """Tell those who were told of a condition's flood that it is over, if it is at this time."""
    ledger, rule = sitting.ledger, sitting.rules.flood(condition)
    watch = ledger.watch(condition)
    over = ended(watch, at, rule)
    if over is None:
        return
    for flooded in ledger.flooded(condition).values():
        _tell(flooded, over, sitting)
    ledger.end_flood(condition)
    ledger.set_watch(condition, settled(watch, at, rule))


def _tell(flooded: Flooded, flood: Flood, sitting: Sitting) -> None:
    policy = sitting.rules.policy
    channels = policy.receivers(policy.route(flooded.route))
    rule = sitting.rules.flood(flooded.condition)
    sitting.ledger.post(
        texts.of_flood(flooded, flood, rule, channels, style=sitting.rules.style, now=sitting.now)
    )
