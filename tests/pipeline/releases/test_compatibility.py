"""Which release may take another's place, decided from what both say of themselves."""

from typing import Any

import msgspec
import pytest

from pipeline.releases.compatibility import Decision, decide
from pipeline.releases.description import LAUNCHER, Description, Query, Step
from pipeline.releases.standing import Release


class Before(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Added(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    more: int = 0


class Renamed(msgspec.Struct, forbid_unknown_fields=True):
    title: str


def release(version: str, kept: Any = Before, **fields: Any) -> Description:
    (schema,), components = msgspec.json.schema_components([kept])
    plain: dict[str, Any] = {
        "launcher": LAUNCHER,
        "parts": ["query"],
        "migrations": [Step(1, "0001_a", "x", contracts=False)],
        "queries": [],
        "problems": [],
    }
    return Description(
        release=Release(f"/{version}", version, "d"),
        shapes={"scores": schema},
        components=components,
        **{**plain, **fields},
    )


def to(new: Description, *, running: bool = True) -> Decision:
    return decide(release("1"), new, running=running)


def test_the_same_but_for_its_code_may_come_and_go() -> None:
    assert to(release("2")) == Decision((), (), (), (), ())


def test_new_migrations_are_told_apart_and_a_changed_one_is_refused() -> None:
    brought = [Step(2, "0002_b", "y", contracts=False), Step(3, "0003_contract_a", "z", contracts=True)]
    found = to(release("2", migrations=[*release("1").migrations, *brought]))
    assert (found.refusals, found.expands, found.contracts) == ((), ("0002_b",), ("0003_contract_a",))
    changed = to(release("2", migrations=[Step(1, "0001_a", "other", contracts=False)]))
    assert "migration 0001_a differs" in changed.refusals[0]


def test_what_the_old_one_can_not_read_is_refused_while_both_run_and_has_no_way_back_otherwise() -> None:
    assert "1 (d) can't read the scores of 2 (d): more is unknown" in to(release("2", Added)).refusals[0]
    stopped = to(release("2", Added), running=False)
    assert stopped.refusals == ()
    assert "more is unknown" in stopped.one_way[0]


def test_what_the_new_one_can_not_read_is_always_refused() -> None:
    for running in (True, False):
        assert (
            "2 (d) can't read the scores of 1 (d)" in to(release("2", Renamed), running=running).refusals[0]
        )


@pytest.mark.parametrize(
    ("runs", "needs", "kept", "warms"),
    [
        ("f-1", "f-1", False, False),
        ("f-1", "f-2", False, True),
        ("f-1", "f-2", True, False),
        ("", "", False, False),
    ],
)
def test_state_is_built_anew_where_it_is_another_and_not_there(
    *, runs: str, needs: str, kept: bool, warms: bool
) -> None:
    query = Query(model="f", runs=runs, needs=needs, kept=kept, in_python=False)
    found = to(release("2", queries=[query]))
    assert (found.refusals, found.warm) == ((), (query,) if warms else ())


def test_other_state_behind_a_python_lane_waits_until_nothing_runs() -> None:
    new = release("2", queries=[Query(model="f", runs="f-1", needs="f-2", kept=False, in_python=True)])
    assert "--until-idle" in to(new).refusals[0]
    assert to(new, running=False).refusals == ()


def test_another_way_of_starting_parts_and_what_it_says_itself_are_refused() -> None:
    assert "stop the run" in to(release("2", launcher=LAUNCHER + 1)).refusals[0]
    assert to(release("2", launcher=LAUNCHER + 1), running=False).refusals == ()
    assert to(release("2", problems=["no such setting"]), running=False).refusals == ("no such setting",)
