"""What operators see and do, on a whole pipeline in memory."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from models import scores
from models.alarms import OPEN_STATES, AlarmState
from models.operations import AlarmAction, AuditEntry
from models.policies.policies import Policies
from pipeline import operators
from pipeline.cli.alarms import view
from pipeline.cli.alarms.listing import StateName
from pipeline.durations import seconds
from pipeline.errors import RefuseUsageError, ServerAwayError
from pipeline.kpis import Span
from pipeline.operators import Desk, Wish

Pipeline = Any  # tests/pipeline/conftest.py: SmallPipeline
Act = Callable[..., AuditEntry]


@pytest.fixture
def busy(pipeline: Pipeline) -> Pipeline:
    pipeline.transactions(20)
    pipeline.run()
    return pipeline


def desk(pipeline: Pipeline, **fields: Any) -> Desk:
    values = {
        "store": pipeline.entities,
        "producer": pipeline.producer,
        "actors": lambda: 1,
        "clock": pipeline.clock,
        "new_id": lambda: f"o{len(pipeline.records('operations'))}",
        "pause": pipeline.settle,
    }
    return Desk(**{**values, **fields})


@pytest.fixture
def act(busy: Pipeline) -> Act:
    def do(name: str, action: AlarmAction, why: str = "", lasts_s: int | None = None) -> AuditEntry:
        alarm = operators.chosen(busy.entities, name)
        return operators.operate(desk(busy), Wish(action, alarm, "ann", why, lasts_s), wait_s=5)

    return do


def states(pipeline: Pipeline, *asked: str) -> list[str]:
    return [alarm.state for alarm in operators.listed(pipeline.entities, asked)]


def test_an_alarm_is_worked_from_the_list_to_its_end(busy: Pipeline, act: Act) -> None:
    assert states(busy) == ["active_unacknowledged"] * 2
    first, second = operators.listed(busy.entities, ())
    entry = act(first.alarm_id, "acknowledge", "seen")
    assert (entry.verdict, entry.operation.who, entry.operation.why) == ("applied", "ann", "seen")
    assert act(second.entity, "shelve", lasts_s=7_200).after == "shelved"
    assert states(busy, "shelved", "active_acknowledged", "shelved") == ["active_acknowledged", "shelved"]
    busy.fall_silent()
    assert states(busy) == ["returned_unacknowledged"], "the shelf has ended too"
    assert states(busy, "closed") == ["closed"]
    assert act(second.entity, "acknowledge").after == "closed"
    assert states(busy) == []
    assert busy.verify().clean


def test_alarms_are_listed_by_severity_and_measured(busy: Pipeline, act: Act) -> None:
    assert {row.severity for row in operators.listed(busy.entities, ())} == {"medium"}
    assert len(operators.listed(busy.entities, (), ("medium", "high"))) == 2
    assert operators.listed(busy.entities, (), ("critical",)) == []
    lines = operators.lines(busy.entities, (), (), Policies(), busy.clock())
    assert lines == operators.listed(busy.entities, ()), "two are no flood"
    act(operators.listed(busy.entities, ())[0].alarm_id, "acknowledge")
    now = busy.clock()
    found = operators.measured(busy.entities, Policies(), Span(now - 60_000, now), shift_ms=60_000)
    assert (found.load.alarms, found.load.acknowledged, found.people[0].name) == (2, 1, "ann")


def test_a_refusal_comes_back_with_its_reason(act: Act, busy: Pipeline) -> None:
    name = operators.listed(busy.entities, ())[0].alarm_id
    act(name, "acknowledge")
    again = act(name, "acknowledge")
    assert (again.verdict, again.reason) == ("refused", "it is acknowledged already")
    assert [e.verdict for e in operators.audited(busy.entities, name, 9)] == ["refused", "applied"]


def test_everything_about_an_alarm_is_told(act: Act, busy: Pipeline) -> None:
    row = operators.listed(busy.entities, ())[0]
    act(row.entity, "note", "called the holder")
    act(row.entity, "shelve", lasts_s=None)
    (told,) = operators.told(busy.entities, row.entity)
    assert told == operators.told(busy.entities, row.alarm_id)[0]
    text = "\n".join(view.story(told))
    for part in (
        row.alarm_id,
        "fraud",
        "shelved until it returns",
        "ann: note",
        "called the holder",
        "command ",
    ):
        assert part in text
    assert view.as_dict(told)["audit"][1]["operation"]["why"] == "called the holder"
    assert len(list(view.table([row]))) == 1


def test_the_audit_is_told_of_all_an_entity_or_an_alarm(act: Act, busy: Pipeline) -> None:
    first, second = operators.listed(busy.entities, ())
    act(first.alarm_id, "note", "one")
    act(second.alarm_id, "note", "two")
    assert [e.operation.why for e in operators.audited(busy.entities, None, 9)] == ["two", "one"]
    assert [e.operation.why for e in operators.audited(busy.entities, None, 1)] == ["two"]
    for name in (first.alarm_id, first.entity):
        assert [e.operation.why for e in operators.audited(busy.entities, name, 9)] == ["one"]
    assert "ann: note" in view.entry(operators.audited(busy.entities, None, 1)[0])


def test_without_actors_nothing_is_sent(busy: Pipeline) -> None:
    wish = Wish("acknowledge", operators.listed(busy.entities, ())[0], "ann", "")
    with pytest.raises(ServerAwayError, match="no actors run"):
        operators.operate(desk(busy, actors=lambda: 0), wish, wait_s=5)
    assert busy.records("operations") == []


def test_what_was_given_up_is_refused_when_an_actor_comes_to_it(busy: Pipeline) -> None:
    row = operators.listed(busy.entities, ())[0]
    ticking = desk(busy, pause=lambda: None)
    with pytest.raises(ServerAwayError, match=r"no actor has answered within 0\.05 s"):
        operators.operate(ticking, Wish("acknowledge", row, "ann", ""), wait_s=0.05)
    busy.settle()
    (entry,) = operators.audited(busy.entities, None, 9)
    assert entry.verdict == "refused"
    assert "after it had expired" in entry.reason
    assert set(states(busy)) == {"active_unacknowledged"}


def test_a_name_that_is_none_or_names_several_is_refused(busy: Pipeline) -> None:
    with pytest.raises(RefuseUsageError, match="there is no alarm nobody"):
        operators.chosen(busy.entities, "nobody")
    row = operators.listed(busy.entities, ())[0]
    score = scores.decode(busy.records("alerts")[0].value)
    busy.emit(replace(score, entity=row.entity, model="velocity", event_id="other"))
    busy.settle()
    with pytest.raises(RefuseUsageError, match="has 2 open alarms"):
        operators.chosen(busy.entities, row.entity)


def test_the_command_line_names_every_state() -> None:
    assert sorted(StateName) == sorted(get_args(AlarmState)) == sorted([*OPEN_STATES, "closed"])


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("30m", 1_800), (" 2h", 7_200), ("1d", 86_400)])
def test_lengths_of_time(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "2", "h", "0h", "-1h", "1.5h", "2 h", "2w", "99999999s"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(RefuseUsageError, match="is no length of time"):
        seconds(text)
