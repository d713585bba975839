"""The table and the JSON of a drill."""

from dataclasses import replace

from pipeline.drill import report
from pipeline.drill.oracle import Findings
from pipeline.drill.trial import Outcome

GOOD = Outcome("burst", 1, "ten times the rate", recovery_s=2.0, settled=True)
LOSS = replace(GOOD, seed=2, findings=Findings(lost=frozenset({"not stored: e1"})))
SKIPPED = Outcome("disk", 1, "nobody may mount", skipped=True)
NEVER = replace(GOOD, seed=3, recovery_s=None, remedy="a restart")


def test_a_fault_that_lost_something_is_not_survived_and_names_what() -> None:
    lines = list(report.table([GOOD, LOSS, SKIPPED]))
    assert lines[1].split() == ["burst", "2", "1", "0", "0", "0", "2.0", "to", "2.0", "1", "of", "2"]
    assert "lost: not stored: e1" in "".join(lines)
    assert "skipped: nobody may mount" in "".join(lines)
    assert lines[-1].startswith("2 trials, 1 survived, 1 skipped: lost 1, phantom 0")
    assert not report.clean([GOOD, LOSS])
    assert report.clean([GOOD, SKIPPED, NEVER])
    assert not report.clean([replace(GOOD, settled=False)])


def test_what_needed_a_hand_is_not_survived_though_clean() -> None:
    assert not NEVER.survived
    assert "needed: a restart" in "\n".join(report.table([NEVER]))


def test_json_holds_every_id_and_the_percentile() -> None:
    found = report.as_dict([GOOD, LOSS, replace(GOOD, recovery_s=9.0), NEVER], {"nodes": 1})
    assert found["nodes"] == 1
    assert found["found"] == {"lost": 1, "phantom": 0, "doubled": 0, "wrong": 0}
    assert found["recovery_p95_s"] == 9.0
    assert found["trials"][1]["findings"]["lost"] == ["not stored: e1"]
    assert [trial["survived"] for trial in found["trials"]] == [True, False, True, False]


def test_percentiles_are_of_the_values_themselves() -> None:
    assert report.percentile([1.0], 0.95) == 1.0
    assert report.percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert report.percentile([1.0, 2.0], 0.5) == 1.0
