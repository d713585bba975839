"""The oracle is itself tested: it says clean of what is clean, and catches every planted fault by name."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline import reconcile

IDS = st.sets(st.integers(0, 500), min_size=1, max_size=60)


def test_equal_sets_are_clean() -> None:
    stage = reconcile.compare("scored = stored", {1, 2}, {2, 1})
    assert stage.clean
    assert (stage.given, stage.found) == (2, 2)


@given(IDS, st.data())
def test_a_planted_loss_is_named_exactly(ids: set[int], data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(ids)), min_size=1))
    stage = reconcile.compare("s", ids, ids - lost)
    assert not stage.clean
    assert set(stage.missing) == {str(i) for i in lost}
    assert stage.phantoms == ()


@given(IDS, st.sets(st.integers(501, 900), min_size=1, max_size=9))
def test_a_planted_phantom_is_named_exactly(ids: set[int], invented: set[int]) -> None:
    stage = reconcile.compare("s", ids, ids | invented)
    assert not stage.clean
    assert set(stage.phantoms) == {str(i) for i in invented}
    assert reconcile.compare("s", ids, ids | invented, tolerate_phantoms=True).clean


@given(IDS, st.data())
def test_an_explained_absence_is_a_note_and_the_rest_a_loss(ids: set[int], data: st.DataObject) -> None:
    late = data.draw(st.sets(st.sampled_from(sorted(ids))))
    lost = data.draw(st.sets(st.sampled_from(sorted(ids))))
    stage = reconcile.compare("s", ids, ids - late - lost, explained=late)
    assert set(stage.notes) == {str(i) for i in late}
    assert set(stage.missing) == {str(i) for i in lost - late}


@given(IDS, st.data())
def test_a_partition_is_clean_only_when_every_identity_lies_in_exactly_one_part(
    ids: set[int], data: st.DataObject
) -> None:
    parts = {i: data.draw(st.sampled_from(["scored", "dead", "late", "lost", "both"])) for i in sorted(ids)}

    def of(*names: str) -> set[int]:
        return {i for i, part in parts.items() if part in names}

    stage = reconcile.partition(
        "accepted",
        ids,
        {"scored": of("scored", "both"), "dead": of("dead", "both")},
        explained=of("late"),
        counts={},
    )
    assert set(stage.missing) == {str(i) for i in of("lost")}
    assert set(stage.repeated) == {str(i) for i in of("both")}
    assert set(stage.notes) == {str(i) for i in of("late")}
    assert stage.clean == (not of("lost", "both"))


def test_positions_are_named_with_slashes() -> None:
    position = ("transactions", 0, 17)
    assert reconcile.compare("s", {position}, set()).missing == ("transactions/0/17",)


def test_the_same_command_twice_is_a_duplicate_and_a_second_command_a_failure() -> None:
    same = reconcile.at_most_one("one command", [("a1", "c1"), ("a1", "c1"), ("a2", "c2")], what="alarms")
    assert same.clean
    assert same.counts == {"alarms": 2, "duplicates": 1}
    two = reconcile.at_most_one("one command", [("a1", "c1"), ("a1", "c9"), ("a2", "c2")], what="alarms")
    assert two.repeated == ("a1/c1/c9",)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_a_second_effect_is_named(effects: list[int]) -> None:
    stage = reconcile.once("effects", effects, what="effects")
    assert set(stage.repeated) == {str(i) for i in effects if effects.count(i) > 1}
    assert stage.clean == (len(set(effects)) == len(effects))


def test_an_acknowledgement_that_the_alarm_does_not_record_is_missing() -> None:
    stage = reconcile.agreement(
        "acks", {"c1": "succeeded"}, {"c1": "sent"}, under_way={"queued", "sent"}, counts={}
    )
    assert stage.missing == ("c1/succeeded",)


def test_a_record_that_nobody_said_is_a_phantom() -> None:
    stage = reconcile.agreement("acks", {}, {"c1": "succeeded"}, under_way={"queued", "sent"}, counts={})
    assert stage.phantoms == ("c1/succeeded",)


def test_a_record_that_contradicts_the_answer_is_named_on_both_sides() -> None:
    stage = reconcile.agreement("acks", {"c1": "refused"}, {"c1": "succeeded"}, under_way={"sent"}, counts={})
    assert (stage.missing, stage.phantoms) == (("c1/refused",), ("c1/succeeded",))


def test_a_command_under_way_is_a_note() -> None:
    stage = reconcile.agreement("acks", {}, {"c1": "sent"}, under_way={"queued", "sent"}, counts={})
    assert stage.clean
    assert stage.notes == ("c1",)
    assert stage.counts["pending"] == 1


def test_a_reconciliation_is_clean_when_all_stages_are_and_tells_everything_as_plain_values() -> None:
    good = reconcile.compare("a", {1}, {1})
    bad = reconcile.compare("b", {1}, set())
    assert reconcile.Reconciliation((good,), {}).clean
    whole = reconcile.Reconciliation((good, bad), {"labels": 3})
    assert not whole.clean
    told = whole.as_dict()
    assert [stage["clean"] for stage in told["stages"]] == [True, False]
    assert told["stages"][1]["missing"] == ["1"]
    assert told["information"] == {"labels": 3}
