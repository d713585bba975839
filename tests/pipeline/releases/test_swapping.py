"""Whatever the parts do while a release is swapped: at the end all are new, or all that were there before are old."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pipeline.releases import swapping
from pipeline.releases.swapping import Condition, Do, Stage, Swap
from pipeline.supervision import Phase

SETTLE_S = 3.0
OLD, NEW = ("query", "writer", "actors"), ("query", "writer", "gateway")
ORDER = ("gateway", "actors", "writer", "query")


@dataclass
class Parts:
    """Parts as a supervisor has them; `bad` are those of the new release that crash, and after how many seconds."""

    bad: dict[str, int]
    running: dict[str, str] = field(default_factory=lambda: dict.fromkeys(OLD, "old"))
    phase: dict[str, Phase] = field(default_factory=lambda: dict.fromkeys(OLD, Phase.READY))
    age: dict[str, int] = field(default_factory=dict)
    crashes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OLD, 0))

    def conditions(self) -> dict[str, Condition]:
        return {name: Condition(phase, self.crashes[name]) for name, phase in self.phase.items()}

    def do(self, what: Do, name: str) -> None:
        if what is Do.END:
            assert self.phase[name] is not Phase.STOPPING
            self.phase[name] = Phase.STOPPING
            return
        assert name not in self.phase or self.phase[name] in {Phase.DONE, Phase.FAILED}
        side, there = ("new", NEW) if what is Do.BEGIN_NEW else ("old", OLD)
        for kept in (self.phase, self.running, self.age, self.crashes):
            kept.pop(name, None)
        if name in there:
            self.running[name], self.phase[name] = side, Phase.WAITING
            self.age[name] = self.crashes[name] = 0

    def second(self) -> None:
        for name, phase in self.phase.items():
            self.age[name] = self.age.get(name, 0) + 1
            if phase is Phase.STOPPING:
                self.phase[name] = Phase.DONE
            elif self.running[name] == "new" and self.bad.get(name) == self.age[name]:
                self.phase[name], self.crashes[name] = Phase.WAITING, self.crashes[name] + 1
            elif phase in {Phase.WAITING, Phase.STARTING}:
                self.phase[name] = Phase.STARTING if phase is Phase.WAITING else Phase.READY


def swapped(parts: Parts) -> Swap:
    swap = Swap(ORDER)
    for now in range(200):
        while True:
            before = swap
            swap, due = swapping.step(before, parts.conditions(), float(now), SETTLE_S)
            if due is not None:
                parts.do(*due)
            elif swap == before:
                break
        if swap.over:
            return swap
        parts.second()
    raise AssertionError(swap)


@given(bad=st.dictionaries(st.sampled_from(NEW), st.integers(1, 5)))
def test_at_the_end_all_are_new_or_all_are_old_again(bad: dict[str, int]) -> None:
    parts = Parts(bad)
    done = swapped(parts)
    assert parts.running == (dict.fromkeys(OLD, "old") if done.failure else dict.fromkeys(NEW, "new"))
    assert bool(done.failure) == bool(bad)
    if bad:
        first = next(name for name in ORDER if name in bad)
        assert done.failure.startswith(first)


def test_a_part_that_is_killed_while_it_starts_too_slowly_turns_everything_back() -> None:
    swap = Swap(("writer",), stage=Stage.STARTING)
    swap, due = swapping.step(swap, {"writer": Condition(Phase.STOPPING, 0)}, 0, SETTLE_S)
    assert (swap.failure, due) == ("writer did not come up", None)


def test_a_part_that_ends_by_itself_while_it_settles_turns_everything_back() -> None:
    swap = Swap(("writer",), stage=Stage.SETTLING)
    swap, _ = swapping.step(swap, {"writer": Condition(Phase.FAILED, 1)}, 0, SETTLE_S)
    assert swap.failure == "writer did not stay up"
    _, due = swapping.step(swap, {"writer": Condition(Phase.FAILED, 1)}, 0, SETTLE_S)
    assert due == (Do.BEGIN_OLD, "writer")
