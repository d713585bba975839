"""Changes, time and crashes against a ledger: what is told is told once, grouped, escalated or collapsed."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.notifier import flooding, taking, timers
from actors.notifier.ledger import NotifierLedger
from actors.notifier.ledger_file import open_ledger
from actors.notifier.messages import Message
from actors.notifier.sitting import Rules, Sitting
from actors.notifier.texts import Style
from models.alarms import AlarmChange
from models.policies.notifications import NotificationPolicy

MakeChange = Callable[..., AlarmChange]
MakeRules = Callable[..., Rules]
Parse = Callable[[str], NotificationPolicy]

SECOND = 1_000
MINUTE = 60 * SECOND
IN_MEMORY = Path(":memory:")

ROUTES = """
channels.a = { url_env = "A" }
notifications = [
    { name = "all", channels = ["local", "a"], group_within = "10s" },
    { name = "bad", channels = ["local"], severity = "critical", group_within = "0s" },
]
"""
LADDER = """
channels.boss = { url_env = "A" }
[[notifications]]
name = "r"
channels = ["local"]
group_within = "10s"
escalation = [{ after = "5m", channels = ["boss"], every = "5m", times = 2 }]
"""


def told(ledger: NotifierLedger) -> list[Message]:
    return [told.message for told in reversed(ledger.told(100_000))]


def named(messages: list[Message], route: str, channel: str) -> Counter[str]:
    texts = [m.body for m in messages if (m.route, m.channel) == (route, channel)]
    return Counter(name for text in texts for name in re.findall(r"show (alarm-\d+)", text))


class CrashError(Exception):
    pass


BATCH = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["low", "critical"])), max_size=8)
STEP = st.one_of(
    st.tuples(st.just("take"), BATCH),
    st.tuples(st.just("crash"), BATCH),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)


@given(steps=st.lists(STEP, max_size=25))
def test_grouping_loses_no_change_and_repeats_none(
    policy: Parse, change: MakeChange, rules: MakeRules, steps: list[tuple[str, Any]]
) -> None:
    given_rules = rules(policy(ROUTES), style=Style("fastdata", 100))
    severities: dict[int, str] = {}
    now = 0
    with open_ledger(IN_MEMORY) as ledger:
        for what, of in steps:
            sitting = Sitting(ledger, given_rules, now)
            if what == "wait":
                now += of * SECOND
                timers.look(Sitting(ledger, given_rules, now))
                continue
            batch = [change(n, severity=severities.setdefault(n, severity)) for n, severity in of]
            taking.take(batch, sitting)
            if what == "crash":
                taking.take(batch, sitting)  # the offsets were not committed: the same comes again
        timers.look(Sitting(ledger, given_rules, now), at_once=True)
        messages = told(ledger)
    critical = {f"alarm-{n}": 1 for n, severity in severities.items() if severity == "critical"}
    everything = {f"alarm-{n}": 1 for n in severities}
    assert named(messages, "all", "local") == everything
    assert named(messages, "all", "a") == everything
    assert named(messages, "bad", "local") == critical
    assert sum(m.changes for m in messages if m.channel == "a") == len(everything)


def test_a_transaction_that_fails_leaves_nothing_behind(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitting = Sitting(ledger, rules(NotificationPolicy()), 0)
    collect = ledger.collect

    def fail_at_the_second(route: str, change: AlarmChange, now: int) -> None:
        if change.alarm_id == "alarm-2":
            raise CrashError
        collect(route, change, now)

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "collect", fail_at_the_second)
        with pytest.raises(CrashError):
            taking.take([change(1), change(2)], sitting)
    assert ledger.collecting() == {}
    assert taking.take([change(1), change(2)], sitting) == 2


def test_a_group_waits_for_its_window_and_then_names_the_worst_first(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules
) -> None:
    given_rules = rules(NotificationPolicy())
    changes = [
        change(1, severity="low"),
        change(2, severity="critical", peak=0.987),
        change(2, change_id="second", change="reactivated", severity="critical", alerts=3),
        *[change(n, severity="medium", opened_at=n) for n in (3, 4, 5)],
    ]
    taking.take(changes, Sitting(ledger, given_rules, 0))
    timers.look(Sitting(ledger, given_rules, 9_999))
    assert told(ledger) == []
    timers.look(Sitting(ledger, given_rules, 10_000))
    (message,) = told(ledger)
    assert message.title == "5 alarms, worst critical anomaly-pump on pump-2: is active again"
    assert message.severity == "critical"
    assert message.changes == 6
    lines = message.body.splitlines()
    assert lines[0] == (
        "critical anomaly-pump on pump-2: is active again, 2 changes; since 1970-01-01 00:00:00 UTC, "
        "active, unacknowledged; 3 alerts, worst score 0.9"
    )
    assert lines[1] == "  fastdata alarms show alarm-2"
    assert lines[-2:] == ["and 2 more (1 medium, 1 low)", "  fastdata alarms list"]
    timers.look(Sitting(ledger, given_rules, 99_999))
    assert len(told(ledger)) == 1


def test_a_group_beyond_the_most_becomes_several_messages(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules
) -> None:
    given_rules = rules(NotificationPolicy(), most=2)
    taking.take([change(n) for n in range(5)], Sitting(ledger, given_rules, 0))
    for _ in range(4):
        timers.look(Sitting(ledger, given_rules, 10_000))
    assert [m.changes for m in told(ledger)] == [2, 2, 1]


def test_an_alarm_escalates_until_it_is_acknowledged(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules, policy: Parse
) -> None:
    given_rules = rules(policy(LADDER))
    taking.take([change(1), change(2)], Sitting(ledger, given_rules, 0))
    acknowledged = change(2, change_id="a", change="acknowledged", state="active_acknowledged")
    taking.take([acknowledged], Sitting(ledger, given_rules, 2 * MINUTE))
    for second in range(0, 1_200, 5):
        timers.look(Sitting(ledger, given_rules, second * SECOND))
    escalations = [m for m in told(ledger) if m.kind == "escalation"]
    assert [(m.channel, m.created_at) for m in escalations] == [("boss", 310_000), ("boss", 610_000)]
    assert escalations[0].title == "Not acknowledged for 5 min: high anomaly-pump on pump-1"
    assert escalations[0].body.endswith("Acknowledge: fastdata alarms ack alarm-1")
    assert ledger.duties_since() == {}


def test_alarms_of_a_route_that_are_due_at_about_the_same_time_escalate_in_one_message(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules, policy: Parse
) -> None:
    given_rules = rules(policy(LADDER))
    for n in range(4):
        taking.take([change(n)], Sitting(ledger, given_rules, n * 2 * SECOND))
    for second in range(0, 400, 5):
        timers.look(Sitting(ledger, given_rules, second * SECOND))
    (message,) = [m for m in told(ledger) if m.kind == "escalation"]
    assert message.title == "4 alarms not acknowledged, worst high anomaly-pump on pump-0"


def test_one_that_is_shelved_is_left_alone_and_escalates_anew_when_it_comes_back(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules, policy: Parse
) -> None:
    given_rules = rules(policy(LADDER))
    taking.take([change()], Sitting(ledger, given_rules, 0))
    taking.take([change(change_id="s", change="shelved", state="shelved")], Sitting(ledger, given_rules, 1))
    timers.look(Sitting(ledger, given_rules, 60 * MINUTE))
    assert [m.kind for m in told(ledger)] == ["changes"]
    back = change(change_id="u", change="unshelved", at=60 * MINUTE)
    taking.take([back], Sitting(ledger, given_rules, 60 * MINUTE))
    timers.look(Sitting(ledger, given_rules, 66 * MINUTE))
    assert [m.kind for m in told(ledger)] == ["changes", "changes", "escalation"]


def test_a_flood_is_one_message_at_its_begin_and_one_at_its_end_with_the_count(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules
) -> None:
    given_rules = rules(NotificationPolicy(), more_than=10)
    severities = {500: "critical"}
    opened = [change(n, opened_at=n * 10, severity=severities.get(n, "medium")) for n in range(1_000)]
    for batch in (opened[n : n + 50] for n in range(0, 1_000, 50)):
        taking.take(batch, Sitting(ledger, given_rules, batch[-1].at))
    again = change(700, change_id="again", change="escalated", severity="high", opened_at=7_000, at=12_000)
    taking.take([again], Sitting(ledger, given_rules, 12_000))
    assert [m.kind for m in told(ledger)] == ["flood_began"]
    for minute in range(1, 15):
        timers.look(Sitting(ledger, given_rules, minute * MINUTE))
    began, single, ended = told(ledger)
    assert began.title == "Flood: more than 10 alarms of anomaly-pump in 10 min"
    assert (single.kind, single.changes) == ("changes", 10)
    assert ended.title == "Flood of anomaly-pump is over: 1,000 alarms"
    assert (ended.severity, ended.changes) == ("critical", 991)
    assert "991 changes were not told one by one" in ended.body
    after = change(2_000, opened_at=20 * MINUTE)
    taking.take([after], Sitting(ledger, given_rules, 20 * MINUTE))
    timers.look(Sitting(ledger, given_rules, 21 * MINUTE))
    assert told(ledger)[-1].title == "high anomaly-pump on pump-2000: opened"


def test_a_flood_that_is_over_before_anyone_looks_is_told_all_the_same(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules
) -> None:
    given_rules = rules(NotificationPolicy(), more_than=10)
    early = [change(n, opened_at=n) for n in range(50)]
    late = [change(n, opened_at=20 * MINUTE + n) for n in range(50, 100)]
    taking.take([*early, *late], Sitting(ledger, given_rules, 20 * MINUTE))
    timers.look(Sitting(ledger, given_rules, 60 * MINUTE))
    kinds = [m.kind for m in told(ledger)]
    assert kinds == ["flood_began", "flood_ended", "flood_began", "changes", "flood_ended"]


@given(
    openings=st.lists(st.integers(0, 40 * 60), min_size=1, max_size=80),
    looks=st.lists(st.integers(0, 60), max_size=6),
)
def test_every_change_is_told_or_counted_by_a_flood_that_began_and_ended(
    change: MakeChange, rules: MakeRules, openings: list[int], looks: list[int]
) -> None:
    given_rules = rules(NotificationPolicy(), more_than=5)
    events = sorted([(at, 0) for at in openings] + [(minute * 60, 1) for minute in looks])
    with open_ledger(IN_MEMORY) as ledger:
        for number, (second, is_look) in enumerate(events):
            sitting = Sitting(ledger, given_rules, second * SECOND)
            if is_look:
                timers.look(sitting)
            else:
                taking.take([change(number, opened_at=second * SECOND)], sitting)
        timers.look(Sitting(ledger, given_rules, 120 * MINUTE))
        messages = told(ledger)
    assert sum(m.changes for m in messages) == len(openings)
    ends = [m.kind for m in messages if m.kind != "changes"]
    assert ends == ["flood_began", "flood_ended"] * (len(ends) // 2)


def test_what_is_too_old_is_not_told_but_escalates_while_it_is_open(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules, policy: Parse
) -> None:
    given_rules = rules(policy(LADDER))
    now = 180 * MINUTE
    answered = change(2, change_id="a", change="acknowledged", state="active_acknowledged", at=MINUTE)
    taking.take([change(1), change(2), answered], Sitting(ledger, given_rules, now))
    timers.look(Sitting(ledger, given_rules, now + 6 * MINUTE))
    (message,) = told(ledger)
    assert (message.kind, message.title) == (
        "escalation",
        "Not acknowledged for 3 h: high anomaly-pump on pump-1",
    )


def test_a_route_that_has_gone_from_the_policies_hands_over_what_it_collected(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules, policy: Parse
) -> None:
    taking.take([change()], Sitting(ledger, rules(policy(LADDER)), 0))
    timers.look(Sitting(ledger, rules(NotificationPolicy()), 20 * MINUTE))
    (message,) = told(ledger)
    assert (message.route, message.channel, message.kind) == ("r", "local", "changes")
    assert ledger.duties_since() == {}


def test_a_change_of_an_alarm_before_the_flood_is_told(
    ledger: NotifierLedger, change: MakeChange, rules: MakeRules
) -> None:
    given_rules = rules(NotificationPolicy(), more_than=3)
    sitting = Sitting(ledger, given_rules, 0)
    with ledger.changing():
        floods = [flooding.observe(change(n, opened_at=n), sitting) is not None for n in range(6)]
        older = flooding.observe(change(0, change="escalated", opened_at=0, at=9), sitting)
    assert floods == [False, False, False, True, True, True]
    assert older is None
