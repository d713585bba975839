"""What the policies of alarms say, and what is refused."""

import tomllib
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from models.policies.alarms import AlarmPolicies
from models.policies.maintenance import Maintenance
from models.scores import Score

MINUTE = 60_000


def policies(text: str) -> AlarmPolicies:
    return AlarmPolicies.model_validate(tomllib.loads(text))


def window(text: str) -> Maintenance:
    return Maintenance.model_validate({"name": "oil", "entities": "*", **tomllib.loads(text)})


def millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def score(value: float, *, below: bool = False) -> Score:
    fields: dict[str, Any] = {
        "features": {},
        "event": {},
        "arrivals": {},
        "topic": "t",
        "partition": 0,
        "offset": 0,
    }
    return Score(
        event_id="e",
        event_time=1,
        ingested_at=1,
        entity="card",
        model="fraud",
        version="1",
        score=value,
        threshold=0.5,
        below=below,
        **fields,
    )


def test_a_condition_follows_its_own_table_over_the_default() -> None:
    found = policies('[default]\noff_delay = "2h"\nlatched = true\n[fraud]\noff_delay = "5m"')
    assert (found.of("fraud").off_delay, found.of("fraud").latched) == (5 * MINUTE, True)
    assert (found.of("other").off_delay, found.of("other").latched) == (120 * MINUTE, True)
    assert policies("").of("fraud").off_delay == 60 * MINUTE


def test_severity_follows_the_bands_in_the_direction_of_the_model() -> None:
    rising = policies('[fraud]\nseverity = "low"\nseverities = { high = 0.8, critical = 0.95 }').of("fraud")
    assert [rising.graded(score(v)) for v in (0.6, 0.8, 0.94, 1)] == ["low", "high", "high", "critical"]
    falling = policies("[fraud]\nseverities = { high = 0.3, critical = 0.1 }").of("fraud")
    assert [falling.graded(score(v, below=True)) for v in (0.4, 0.3, 0.11, 0)] == [
        "medium",
        "high",
        "high",
        "critical",
    ]


def test_an_alarm_opens_beyond_the_deadband_in_the_direction_of_the_model() -> None:
    policy = policies("[fraud]\ndeadband = 0.25").of("fraud")
    assert [policy.opens(score(v)) for v in (0.5, 0.7, 0.75)] == [False, False, True]
    assert [policy.opens(score(v, below=True)) for v in (0.5, 0.3, 0.25)] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[fraud]\non_dely = '5s'", "Extra inputs"),
        ("[fraud]\non_delay = 5", "is no length of time"),
        ("[fraud]\noff_delay = '0s'", "greater than 0"),
        ("[fraud]\nseverities = { high = 0.9, critical = 0.5, medium = 0.7 }", "rise from low to critical"),
        ("[fraud]\nseverities = { high = 0.9, critical = 0.9 }", "rise from low to critical"),
        ("[fraud]\nseverity = 'high'\nseverities = { high = 0.9 }", "are worse than high"),
        ("[fraud]\nflood = { more_than = 2, calm_below = 3, within = '5m' }", "at most `more_than`"),
        ("[fraud]\nsuppressed_while = ['fraud']", "while it is active itself"),
        ("[a]\nsuppressed_while = ['b']\n[b]\nsuppressed_while = ['a']", "while it is active itself"),
        ("[default]\nsuppressed_while = ['a']\n[a]", "while it is active itself"),
        ("fraud = 1", "valid dictionary"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        policies(text)


def test_a_single_window_lasts_from_then_to_then() -> None:
    found = window("from = 2026-03-01T10:00:00Z\nto = 2026-03-01T13:00:00+01:00")
    begins, ends = millis("2026-03-01T10:00:00Z"), millis("2026-03-01T12:00:00Z")
    assert [found.lasts(at) for at in (begins - 1, begins, ends - 1, ends)] == [False, True, True, False]
    assert [found.turns(at) for at in (begins - 1, begins, ends)] == [begins, ends, None]


def test_a_daily_window_goes_over_midnight_in_its_own_zone() -> None:
    found = window('daily = "22:00-02:30"\nzone = "Europe/Berlin"')
    begins, ends = millis("2026-01-10T21:00:00Z"), millis("2026-01-11T01:30:00Z")
    assert [found.lasts(at) for at in (begins - 1, begins, ends - 1, ends)] == [False, True, True, False]
    assert [found.turns(at) for at in (begins - 1, begins, ends)] == [begins, ends, begins + 24 * 60 * MINUTE]


def test_a_daily_window_keeps_its_hours_when_the_clocks_change() -> None:
    found = window('daily = "06:00-07:00"\nzone = "Europe/Berlin"')
    assert found.lasts(millis("2026-03-28T05:30:00Z")), "an hour ahead of UTC"
    assert found.lasts(millis("2026-03-29T04:30:00Z")), "two, from that day on"
    assert found.turns(millis("2026-03-28T06:00:00Z")) == millis("2026-03-29T04:00:00Z")


def test_a_window_is_about_what_its_patterns_name() -> None:
    found = window('entities = "pump-*"\nconditions = "anomaly-*"\ndaily = "06:00-07:00"')
    assert found.concerns("pump-1", "anomaly-pump")
    assert not found.concerns("pump-1", "maintenance")
    assert not found.concerns("fan-1", "anomaly-pump")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "either `from` and `to`, or `daily`"),
        ("from = 2026-03-01T10:00:00Z", "either `from` and `to`, or `daily`"),
        ("from = 2026-03-01T10:00:00Z\nto = 2026-03-01T09:00:00Z", "ends after it begins"),
        ("from = 2026-03-01T10:00:00\nto = 2026-03-01T11:00:00", "timezone"),
        ('daily = "06:00"', "pattern"),
        ('daily = "06:00-25:00"', "hour must be in"),
        ('daily = "06:00-06:00"', "of no length"),
        ('daily = "06:00-07:00"\nzone = "Mars/Olympus"', "no time zone"),
        ('daily = "06:00-07:00"\nend = "x"', "Extra inputs"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        window(text)
