"""The life of a supervised child holds its invariants under any order of events."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline import supervision
from pipeline.supervision import Action, Life, Phase, Policy

POLICY = Policy(first_delay_s=1.0, max_delay_s=8.0, budget=3, window_s=60.0, ready_timeout_s=5.0, grace_s=2.0)


def crash(life: Life, at: float) -> Life:
    started, action = supervision.tick(life, at, POLICY)
    assert action is Action.START
    return supervision.exited(started, at, -9, POLICY)


def test_a_fresh_child_starts_at_once_and_becomes_ready() -> None:
    life, action = supervision.tick(supervision.fresh(10.0), 10.0, POLICY)
    assert action is Action.START
    assert supervision.ready(life).phase is Phase.READY


def test_crashes_wait_exponentially_longer_until_the_budget_is_spent() -> None:
    life, waits = supervision.fresh(0.0), []
    while not life.over:
        at = life.deadline
        life = crash(life, at)
        waits.append(None if life.deadline is None else life.deadline - at)
    assert waits == [1.0, 2.0, 4.0, None]
    assert life.phase is Phase.FAILED


def test_crashes_outside_the_window_are_forgotten() -> None:
    life = supervision.fresh(0.0)
    for n in range(20):
        life = crash(life, n * 61.0)
        assert life.deadline == n * 61.0 + 1.0
    assert life.phase is Phase.WAITING


def test_the_delay_is_capped() -> None:
    assert supervision.delay_s(10_000, POLICY) == 8.0


def test_a_child_that_a_standby_replaces_waits_for_nothing_and_spends_its_budget_all_the_same() -> None:
    life = supervision.fresh(0.0)
    for crashes in range(1, POLICY.budget + 2):
        started, _ = supervision.tick(life, 5.0, POLICY)
        life = supervision.exited(started, 5.0, -9, POLICY, replaced=True)
        assert len(life.crashes) == crashes
        assert life.deadline == (5.0 if crashes <= POLICY.budget else None)
    assert life.phase is Phase.FAILED


def test_wrong_settings_are_not_retried() -> None:
    life, _ = supervision.tick(supervision.fresh(0.0), 0.0, POLICY)
    assert supervision.exited(life, 1.0, supervision.REFUSED_EXIT, POLICY).phase is Phase.FAILED


def test_only_a_child_that_may_finish_is_done_by_exit_0() -> None:
    endless, _ = supervision.tick(supervision.fresh(0.0), 0.0, POLICY)
    ending, _ = supervision.tick(supervision.fresh(0.0, finishes=True), 0.0, POLICY)
    assert supervision.exited(endless, 1.0, 0, POLICY).phase is Phase.WAITING
    assert supervision.exited(ending, 1.0, 0, POLICY).phase is Phase.DONE
    assert supervision.exited(ending, 1.0, 1, POLICY).phase is Phase.WAITING


def test_a_child_that_never_gets_ready_is_terminated_then_killed_and_counts_as_crashed() -> None:
    life, _ = supervision.tick(supervision.fresh(0.0), 0.0, POLICY)
    life, first = supervision.tick(life, 5.0, POLICY)
    life, second = supervision.tick(life, 7.0, POLICY)
    assert (first, second) == (Action.TERMINATE, Action.KILL)
    life = supervision.exited(life, 7.1, -9, POLICY)
    assert life.phase is Phase.WAITING
    assert life.crashes == (7.1,)


def test_asking_to_stop_twice_keeps_the_first_deadline() -> None:
    life, _ = supervision.tick(supervision.fresh(0.0), 0.0, POLICY)
    life, action = supervision.stop(life, 1.0, POLICY)
    again, nothing = supervision.stop(life, 2.0, POLICY)
    assert action is Action.TERMINATE
    assert nothing is None
    assert again.deadline == 3.0


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["tick", "ready", "stop", "exit0", "exit1", "exit2", "killed", "replaced"]),
        st.floats(0.0, 20.0),
    ),
    max_size=60,
)


@given(events=EVENTS, finishes=st.booleans())
def test_processes_never_overlap_and_the_end_is_final(
    *, events: list[tuple[str, float]], finishes: bool
) -> None:
    now, alive, life = 0.0, False, supervision.fresh(0.0, finishes=finishes)
    for name, wait in events:
        now += wait
        before, action = life, None
        if name == "tick":
            life, action = supervision.tick(life, now, POLICY)
        elif name == "stop":
            life, action = supervision.stop(life, now, POLICY)
        elif name == "ready":
            life = supervision.ready(life)
        elif alive:
            code = {"exit0": 0, "exit1": 1, "exit2": 2, "killed": -9, "replaced": -9}[name]
            life = supervision.exited(life, now, code, POLICY, replaced=name == "replaced")
            alive = False
        if action is Action.START:
            assert not alive
            assert not life.stop_asked
            alive = True
        elif action is not None:
            assert alive
        assert life.has_process == alive
        assert len(life.crashes) <= POLICY.budget + 1
        if before.over:
            assert life == before
        if life.stop_asked:
            assert life.phase in {Phase.STOPPING, Phase.DONE}


@given(EVENTS)
def test_a_stop_ends_every_child_within_one_grace_period_plus_its_exit(
    events: list[tuple[str, float]],
) -> None:
    now, life = 0.0, supervision.fresh(0.0)
    for name, wait in events:
        now += wait
        life = supervision.tick(life, now, POLICY)[0] if name == "tick" else supervision.ready(life)
    life, _ = supervision.stop(life, now, POLICY)
    if life.has_process:
        _, action = supervision.tick(life, now + POLICY.grace_s, POLICY)
        assert action is Action.KILL
    else:
        assert life.phase is Phase.DONE
