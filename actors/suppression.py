"""Suppression by design, pure: alarms that act on nobody while another condition, or maintenance, explains them."""

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms
from actors.transitions import Step, Transition
from models.policies.policies import Policies


def suppressed(alarms: Alarms, entity: str, now: int, policies: Policies) -> Step:
    """Return the step to the alarms of an entity as they are suppressed now (milliseconds since the epoch)."""
    opened = [alarm for alarm in alarms.by_condition.values() if alarm.is_open]
    turns_at = _turns_at(opened, entity, now, policies)
    aside = tuple(a.condition for a in opened if _is_suppressed(alarms, a, entity, now, policies))
    if (aside, turns_at) == (alarms.suppressed, alarms.maintenance_turns_at):
        return alarms, ()
    changes = (_change(alarms, alarm, aside) for alarm in opened)
    after = replace(alarms, suppressed=aside, maintenance_turns_at=turns_at)
    return after, tuple(change for change in changes if change is not None)


def _change(before: Alarms, alarm: Alarm, aside: tuple[str, ...]) -> Transition | None:
    was, is_now = alarm.condition in before.suppressed, alarm.condition in aside
    if was == is_now or not alarm.is_told:
        return None
    return Transition("suppressed" if is_now else "unsuppressed", alarm)


def _is_suppressed(alarms: Alarms, alarm: Alarm, entity: str, now: int, policies: Policies) -> bool:
    others = policies.alarms.of(alarm.condition).suppressed_while
    return any(_explains(alarms, other) for other in others) or any(
        window.concerns(entity, alarm.condition) and window.lasts(now) for window in policies.maintenance
    )


def _explains(alarms: Alarms, condition: str) -> bool:
    alarm = alarms.by_condition.get(condition)
    return alarm is not None and alarm.is_active and condition not in alarms.out_of_service


def _turns_at(opened: list[Alarm], entity: str, now: int, policies: Policies) -> int | None:
    concerned = (w for w in policies.maintenance if any(w.concerns(entity, a.condition) for a in opened))
    return min((at for w in concerned if (at := w.turns(now)) is not None), default=None)
