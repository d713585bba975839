"""Whom a change concerns: severity, model, time, and states in which nobody is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.notifier.routing import QUIET, in_hours, routes
from models.alarms import SEVERITIES, AlarmChange
from models.policies.notifications import DAYS, LOCAL, NotificationPolicy, Route

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def told(policy: NotificationPolicy, change: AlarmChange, at: datetime = MONDAY) -> list[str]:
    return [route.name for route in routes(policy, change, ms(at))]


def test_each_route_tells_from_its_severity_on_and_of_its_models(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    given = policy(
        """
        notifications = [
            { name = "all", channels = ["local"] },
            { name = "bad", channels = ["local"], severity = "high" },
            { name = "cards", channels = ["local"], models = ["fraud"] },
        ]
        """
    )
    assert [told(given, change(severity=severity)) for severity in SEVERITIES] == [
        ["all"],
        ["all"],
        ["all", "bad"],
        ["all", "bad"],
    ]
    assert told(given, change(condition="fraud", severity="low")) == ["all", "cards"]


@pytest.mark.parametrize("state", sorted(QUIET))
def test_nobody_is_told_of_an_alarm_that_is_set_aside_or_pending(
    change: Callable[..., AlarmChange], state: str
) -> None:
    assert told(NotificationPolicy(), change(state=state)) == []


def test_an_alarm_that_comes_back_from_aside_is_told_where_it_is_still_active(
    change: Callable[..., AlarmChange],
) -> None:
    for kind in ("unshelved", "unsuppressed", "put_in_service"):
        assert told(NotificationPolicy(), change(change=kind)) == ["everything"]
        assert told(NotificationPolicy(), change(change=kind, state="returned_unacknowledged")) == []


def test_only_the_kinds_that_are_asked_for_are_told(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    calm = change(change="acknowledged", state="active_acknowledged")
    assert told(NotificationPolicy(), calm) == []
    asked = policy('notifications = [{ name = "r", channels = ["local"], tell = ["acknowledged"] }]')
    assert told(asked, calm) == ["r"]
    assert told(asked, change()) == []


def test_an_empty_list_of_routes_tells_nobody(
    policy: Callable[[str], NotificationPolicy], change: Callable[..., AlarmChange]
) -> None:
    assert told(policy("notifications = []"), change()) == []


def test_a_night_belongs_to_the_day_on_which_it_began() -> None:
    friday_night = Route.model_validate(
        {"name": "r", "channels": [LOCAL], "days": ["fri"], "from": "22:00", "until": "06:00"}
    )
    friday = MONDAY + timedelta(days=4)
    for hours, inside in ((21.9, False), (22, True), (29.9, True), (30, False), (5, False)):
        assert in_hours(friday_night, ms(friday + timedelta(hours=hours))) is inside


CLOCK = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@given(
    days=st.lists(st.sampled_from(DAYS), unique=True),
    window=st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1]),
    minute=st.integers(0, 7 * 1440 - 1),
)
def test_a_window_is_what_it_says_for_every_minute_of_a_week(
    days: list[str], window: tuple[str, str], minute: int
) -> None:
    route = Route.model_validate(
        {"name": "r", "channels": [LOCAL], "days": days, "from": window[0], "until": window[1]}
    )
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in window)
    length = (end - start) % 1440
    begins = (DAYS.index(day) * 1440 + start for day in days)  # type: ignore[arg-type]
    expected = any((minute - begin) % (7 * 1440) < length for begin in begins)
    assert in_hours(route, ms(MONDAY + timedelta(minutes=minute))) is expected
