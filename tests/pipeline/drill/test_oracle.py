"""The oracle of the drill: clean where all is well, and every planted fault is caught and named."""

from dataclasses import replace

import pytest

from pipeline.drill.oracle import NOTHING, Evidence, Findings, judge
from pipeline.drill.tap import Issued

COMMAND = Issued(command_id="c1", kind="block_card", entity="card", alarm_id="a1", event_id="e1")
WELL = Evidence(
    sent={"e1", "e2", "e3"},
    acked={"e1", "e2"},
    poison={("transactions", 0, 7)},
    dead={("transactions", 0, 7)},
    scored={"e1": 3.0, "e2": 0.5},
    stored={"e1": 3.0, "e2": 0.5},
    over={"e1"},
    alerts={"e1"},
    taken={"e1"},
    alarms=[("card/fraud", "a1"), ("other/fraud", "a2")],
    commands=[COMMAND, COMMAND],
    answered={"c1"},
    effects=["c1"],
)


def test_a_pipeline_that_worked_is_clean_with_redelivery_and_an_event_that_may_not_be_there() -> None:
    assert judge(WELL) == NOTHING
    assert judge(replace(WELL, scored={**WELL.scored, "e3": 0.1}, stored={**WELL.stored, "e3": 0.1})).clean
    assert judge(Evidence()).clean


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ({"scored": {"e1": 3.0}, "stored": {"e1": 3.0}}, "not scored: e2"),
        ({"stored": {"e1": 3.0}}, "not stored: e2"),
        ({"alerts": set[str](), "taken": set[str]()}, "no alert: e1"),
        ({"taken": set[str]()}, "not taken: e1"),
        ({"answered": set[str](), "effects": []}, "not answered: c1"),
        ({"dead": set[object]()}, "no dead letter: transactions/0/7"),
    ],
)
def test_a_planted_loss_is_caught(planted: dict[str, object], name: str) -> None:
    assert judge(replace(WELL, **planted)) == Findings(lost=frozenset({name}))


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        (
            {"scored": {**WELL.scored, "ghost": 0.1}, "stored": {**WELL.stored, "ghost": 0.1}},
            "scored and never sent: ghost",
        ),
        ({"stored": {**WELL.stored, "ghost": 0.1}}, "stored and never scored: ghost"),
        ({"alerts": {"e1", "e2"}, "taken": {"e1", "e2"}}, "alert without a score: e2"),
        ({"taken": {"e1", "e2"}}, "taken without an alert: e2"),
        ({"answered": {"c1", "c9"}}, "answered and never issued: c9"),
        ({"effects": ["c1", "c9"]}, "carried out and never issued: c9"),
        (
            {"dead": {*WELL.dead, ("labels", 0, 1)}},
            "dead letter of no poison: labels/0/1",
        ),
    ],
)
def test_a_planted_phantom_is_caught(planted: dict[str, object], name: str) -> None:
    assert judge(replace(WELL, **planted)) == Findings(phantom=frozenset({name}))


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ({"effects": ["c1", "c1"]}, "carried out twice: c1"),
        (
            {
                "commands": [COMMAND, Issued("c2", "block_card", "card", "a1", "e1")],
                "answered": {"c1", "c2"},
            },
            "two commands for: block_card of alarm a1",
        ),
        ({"alarms": [*WELL.alarms, ("card/fraud", "a9")]}, "two open alarms of: card/fraud"),
    ],
)
def test_a_planted_duplicate_effect_is_caught(planted: dict[str, object], name: str) -> None:
    assert judge(replace(WELL, **planted)) == Findings(doubled=frozenset({name}))


def test_a_planted_wrong_score_is_caught_in_the_topic_and_in_the_store() -> None:
    assert judge(replace(WELL, wrong={"e2"})).wrong == {"score: e2"}
    assert judge(replace(WELL, stored={"e1": 3.0, "e2": 0.5000001})).wrong == {"stored: e2"}


def test_another_kind_of_command_for_the_same_alarm_is_no_duplicate() -> None:
    other = Issued("c2", "schedule_inspection", "card", "a1", "e1")
    by_hand = [Issued(name, "block_card", "card") for name in ("c3", "c4")]
    found = replace(WELL, commands=[COMMAND, other, *by_hand], answered={"c1", "c2", "c3", "c4"})
    assert judge(found).clean


def test_a_later_look_tells_only_what_is_new() -> None:
    first = judge(replace(WELL, wrong={"e1"}))
    second = judge(replace(WELL, wrong={"e1", "e2"}, effects=["c1", "c1"]))
    assert second.since(first).as_dict() == {
        "lost": [], "phantom": [], "doubled": ["carried out twice: c1"], "wrong": ["score: e2"],
    }  # fmt: skip
    assert first.with_all(second) == second
