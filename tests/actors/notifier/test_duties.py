"""Escalation, pure: every rung is climbed once, in order, however late and however often one looks."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from actors.notifier import duties
from models.alarms import AlarmChange
from models.policies.notifications import NotificationPolicy

LADDER = """
[channels]
a = { url_env = "A" }
b = { url_env = "B" }
[teams]
night = { channels = ["b", "local"] }
[[notifications]]
name = "r"
channels = ["local"]
escalation = [
    { after = "10m", channels = ["a"], every = "5m", times = 3 },
    { after = "12m", teams = ["night"] },
]
"""
MINUTE = 60_000


def begun(policy: NotificationPolicy, change: AlarmChange) -> duties.Duty:
    duty = duties.begun(policy.route("r"), change, 0)
    assert duty is not None
    return duty


def test_the_ladder_has_every_step_as_often_as_it_says(policy: Callable[[str], NotificationPolicy]) -> None:
    parsed = policy(LADDER)
    rungs = [(rung.after // MINUTE, parsed.receivers(rung.step)) for rung in duties.ladder(parsed.route("r"))]
    assert rungs == [(10, ("a",)), (12, ("b", "local")), (15, ("a",)), (20, ("a",))]


@given(looks=st.lists(st.integers(0, 30 * MINUTE), max_size=12))
def test_no_rung_is_lost_and_none_climbed_twice(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange], looks: list[int]
) -> None:
    parsed = policy(LADDER)
    route, duty, climbed_at = parsed.route("r"), begun(parsed, change()), []
    left: duties.Duty | None = duty
    for now in [*sorted(looks), 30 * MINUTE]:
        if left is not None and left.due_at <= now:
            before = left.climbed
            channels, left = duties.climbed(parsed, route, left, now)
            done = len(duties.ladder(route)) if left is None else left.climbed
            rungs = duties.ladder(route)[before:done]
            assert rungs, "a look at the time that is due climbs"
            assert all(rung.after <= now for rung in rungs)
            assert set(channels) == {c for rung in rungs for c in parsed.receivers(rung.step)}
            climbed_at += rungs
    assert left is None
    assert climbed_at == duties.ladder(route)


def test_a_late_look_tells_everyone_once(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    parsed = policy(LADDER)
    channels, left = duties.climbed(parsed, parsed.route("r"), begun(parsed, change()), 16 * MINUTE)
    assert channels == ("a", "b", "local")
    assert left is not None
    assert (left.climbed, left.due_at) == (3, 20 * MINUTE)


def test_a_duty_lasts_until_an_acknowledgement_or_until_the_alarm_is_set_aside(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    duty = begun(policy(LADDER), change())
    returned = duties.followed(duty, change(change="returned", state="returned_unacknowledged"))
    assert returned is not None
    assert (returned.alarm.state, returned.due_at) == ("returned_unacknowledged", duty.due_at)
    for state in ("active_acknowledged", "latched", "closed", "shelved", "suppressed", "out_of_service"):
        assert duties.followed(duty, change(state=state)) is None


def test_what_is_acknowledged_already_and_a_route_without_escalation_begin_none(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    parsed = policy(LADDER)
    assert duties.begun(parsed.route("r"), change(state="active_acknowledged"), 0) is None
    assert duties.begun(parsed.route("gone"), change(), 0) is None


def test_a_ladder_that_became_shorter_ends_a_duty_quietly(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    duty = begun(policy(LADDER), change())
    assert duties.climbed(NotificationPolicy(), NotificationPolicy().route("r"), duty, 99 * MINUTE) == (
        (),
        None,
    )
