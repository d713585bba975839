"""A run changes its release: it sees what is wanted, swaps its children by `swapping`, and writes down what stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.children import Spec, Supervisor
from pipeline.errors import RefuseUsageError
from pipeline.releases import standing as files
from pipeline.releases import swapping
from pipeline.releases.standing import Change, Release, Standing
from pipeline.releases.swapping import Condition, Do, Swap


@dataclass
class Changing:
    """The release of one run's children.

    Attributes
    ----------
    own
        The release that the children were started from.
    specs_of
        Returns what to start for a release's parts.
    clock
        Monotonic seconds.
    wall_ms
        Milliseconds since the epoch.
    settle_s
        How long a part has to stay ready before the next one's turn comes, in seconds.
    report
        Told every change of state as (name, one line).
    """

    run_dir: Path
    supervisor: Supervisor
    own: Release
    specs_of: Callable[[Release, Sequence[str]], Mapping[str, Spec]]
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    settle_s: float
    report: Callable[[str, str], None]
    _under_way: "_UnderWay | None" = None
    _complaint: str = field(default="")

    def step(self) -> None:
        """See what is wanted, and do what is due; call it a few times a second, after the children were looked after."""
        if self._under_way is None:
            self._look()
        if self._under_way is not None:
            self._advance(self._under_way)

    def _look(self) -> None:
        try:
            stands = files.read_standing(self.run_dir)
            wanted = files.open_change(files.read_wanted(self.run_dir), stands)
        except RefuseUsageError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self.report("release", self._complaint)
            return
        if wanted is None:
            return
        before = stands or Standing(current=self.own)
        if wanted.kind == "finish":
            self._answer(before, wanted)
            return
        self.report("release", f"{wanted.kind} to {wanted.to}, part by part ({wanted.who}: {wanted.why})")
        old = self.supervisor.specs
        new = self.specs_of(wanted.to, wanted.parts)
        order = tuple(reversed(list(dict.fromkeys([*wanted.parts, *old]))))
        order = tuple(name for name in order if name in old or name in new)
        self._under_way = _UnderWay(wanted, before, {Do.BEGIN_OLD: old, Do.BEGIN_NEW: new}, Swap(order))

    def _advance(self, going: "_UnderWay") -> None:
        while True:
            before = going.swap
            going.swap, due = swapping.step(before, self._conditions(), self.clock(), self.settle_s)
            if due is not None:
                self._do(going, *due)
            if due is None and going.swap == before:
                break
            if going.swap.failure and not before.failure:
                self.report("release", f"{going.swap.failure}: going back")
        if going.swap.over:
            self._under_way = None
            self._answer(going.before, going.wanted, going.swap.failure)

    def _do(self, going: "_UnderWay", what: Do, name: str) -> None:
        if what is Do.END:
            self.supervisor.end(name)
            return
        spec = going.specs[what].get(name)
        if spec is None:
            self.supervisor.forget(name)
        else:
            self.supervisor.begin(spec)

    def _answer(self, before: Standing, wanted: Change, failure: str = "") -> None:
        if failure:
            failure = f"{failure}; see {self.run_dir / 'logs'}"
        files.write_standing(self.run_dir, files.answered(before, wanted, failure), self.wall_ms())
        became = f"failed: {failure}" if failure else f"to {wanted.to} done"
        self.report("release", f"{wanted.kind} {became}")

    def _conditions(self) -> dict[str, Condition]:
        crashes = self.supervisor.crashes
        return {name: Condition(phase, crashes[name]) for name, phase in self.supervisor.phases.items()}


@dataclass
class _UnderWay:
    wanted: Change
    before: Standing
    specs: Mapping[Do, Mapping[str, Spec]]
    swap: Swap
