"""Supervised child processes, the I/O part: start, listen, signal, let a standby take over; `supervision` decides.

Each child leads its own process group, holds the read end of a lifeline (its standard input) and the write
end of a status pipe, whose number it gets as its last argument. Its output goes through one size-limited log.
Of a child that starts slowly a second process may stand by, prepared: when the first crashes, it is called to its place.
"""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from logging import Handler
from pathlib import Path
from typing import Any, Final

from pipeline import logs, process, roster, supervision
from pipeline.process import Process
from pipeline.supervision import Action, Life, Phase, Policy

NOT_STARTED: Final = 127
"""Exit status of a child whose program can't be started, as a shell has it."""

STANDBY_TIMEOUT_S: Final = 900.0
"""The longest preparation of a standby: nobody waits for it, and it must not take from those who work."""


@dataclass(frozen=True)
class Spec:
    """What to start.

    Attributes
    ----------
    command
        The argument list; `--status-fd N` is appended to it.
    log
        Where its output goes.
    finishes
        Whether exit status 0 is its wanted end.
    standby_after_s
        How long it has to be ready before a standby of it is started (`--standby`), in seconds; None: none is.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    finishes: bool = False
    standby_after_s: float | None = None


@dataclass(frozen=True)
class LogLimits:
    """Size in bytes at which a log moves aside, and how many moved ones are kept."""

    max_bytes: int
    kept: int


@dataclass
class Child:
    """One child: what it is, where in its life it stands, its process and its standby while there is one.

    Attributes
    ----------
    works_when
        The field of its status that says that it is ready.
    ready_since
        On the clock of the supervisor.
    """

    spec: Spec
    life: Life
    log: Handler
    works_when: str = "ready"
    ready_since: float = 0.0
    process: Process | None = None
    standby: "Child | None" = None

    @property
    def phase(self) -> Phase:
        """Where it stands; it is not over before its standby is."""
        if self.life.over and self.standby is not None and not self.standby.life.over:
            return Phase.STOPPING
        return self.life.phase

    @property
    def successor(self) -> Process | None:
        """The process that can take the place of the present one."""
        return None if self.standby is None else self.standby.process


class Supervisor:
    """Runs children until all are over.

    Parameters
    ----------
    environment
        Of the children.
    clock
        Monotonic seconds.
    record
        The file in which running children are recorded for the next start.
    report
        Told every change of state as (child's name, one line).
    """

    def __init__(
        self,
        specs: Sequence[Spec],
        policy: Policy,
        limits: LogLimits,
        *,
        environment: Mapping[str, str],
        record: Path,
        clock: Callable[[], float],
        report: Callable[[str, str], None],
    ) -> None:
        self._policy = policy
        self._patient = replace(policy, ready_timeout_s=STANDBY_TIMEOUT_S)
        self._limits = limits
        self._environment = environment
        self._record = record
        self._clock = clock
        self._report = report
        self._children = [self._fresh(spec) for spec in specs]

    @property
    def over(self) -> bool:
        """Whether no child will run again."""
        return all(phase in {Phase.DONE, Phase.FAILED} for phase in self.phases.values())

    @property
    def phases(self) -> Mapping[str, Phase]:
        """Where each child stands."""
        return {child.spec.name: child.phase for child in self._children}

    @property
    def standbys(self) -> Mapping[str, Phase]:
        """Where the standby of each child stands that may have one; waiting while it has none."""
        return {
            standby_name(child.spec.name): child.standby.life.phase if child.standby else Phase.WAITING
            for child in self._children
            if child.spec.standby_after_s is not None
        }

    @property
    def specs(self) -> Mapping[str, Spec]:
        """What each child was started as."""
        return {child.spec.name: child.spec for child in self._children}

    @property
    def crashes(self) -> Mapping[str, int]:
        """How often each child has crashed within the window, since it was begun."""
        return {child.spec.name: len(child.life.crashes) for child in self._children}

    @property
    def statuses(self) -> Mapping[str, Mapping[str, Any]]:
        """What each child that runs said last, field by field."""
        return {c.spec.name: c.process.status if c.process else {} for c in self._children}

    def step(self) -> None:
        """Take in what happened and do what is due; call it a few times a second."""
        for child in list(self._children):
            self._advance(child, self._policy)
            self._keep_standby(child)
            if child.standby is not None:
                self._advance(child.standby, self._patient)

    def stop(self) -> None:
        """Ask every child to end; keep stepping until `over`."""
        for child in self._each():
            self._ask_to_end(child)

    def end(self, name: str) -> None:
        """Ask one child to end; keep stepping until its life is over."""
        for child in self._each(name):
            self._ask_to_end(child)

    def begin(self, spec: Spec) -> None:
        """Start a child, in the place of one of the same name whose life is over."""
        self.forget(spec.name)
        self._children.append(self._fresh(spec))

    def forget(self, name: str) -> None:
        """Drop a child whose life is over, if there is one of this name."""
        assert all(child.life.over for child in self._each(name))
        self._children = [child for child in self._children if child.spec.name != name]

    def kill(self) -> None:
        """Kill what still runs, for an exit that cannot wait."""
        for child in self._each():
            if child.process is not None:
                child.process.kill_group()

    def _fresh(self, spec: Spec) -> Child:
        log = logs.log_file(spec.log, max_bytes=self._limits.max_bytes, kept=self._limits.kept)
        return Child(spec, supervision.fresh(self._clock(), finishes=spec.finishes), log)

    def _each(self, name: str | None = None) -> Iterator[Child]:
        """Walk all children, or those of a name, and their standbys."""
        for child in self._children:
            if name in {None, child.spec.name}:
                yield child
                if child.standby is not None:
                    yield child.standby

    def _advance(self, child: Child, policy: Policy) -> None:
        self._listen(child)
        self._reap(child)
        life, action = supervision.tick(child.life, self._clock(), policy)
        self._act(child, life, action)

    def _keep_standby(self, child: Child) -> None:
        """Have a standby once the child has been ready for long enough, and none when it is over."""
        if child.life.over:
            if child.standby is not None:
                self._ask_to_end(child.standby)
            return
        after_s, now = child.spec.standby_after_s, self._clock()
        if after_s is None or child.standby is not None or child.life.phase is not Phase.READY:
            return
        if now - child.ready_since >= after_s:
            name, command = standby_name(child.spec.name), (*child.spec.command, "--standby")
            spec = replace(child.spec, name=name, command=command, standby_after_s=None)
            child.standby = Child(spec, supervision.fresh(now), child.log, works_when="standing_by")

    def _ask_to_end(self, child: Child) -> None:
        life, action = supervision.stop(child.life, self._clock(), self._policy)
        self._act(child, life, action)

    def _act(self, child: Child, life: Life, action: Action | None) -> None:
        child.life = life
        if action is Action.START and child.successor is not None:
            self._take_over(child, child.successor)
        elif action is Action.START:
            self._start(child)
        elif action is Action.TERMINATE and child.process is not None:
            self._report(child.spec.name, "stopping" if life.stop_asked else "not ready in time, stopping it")
            child.process.terminate()
        elif action is Action.KILL and child.process is not None:
            self._report(child.spec.name, "did not stop in time, killing it")
            child.process.kill_group()

    def _start(self, child: Child) -> None:
        try:
            child.process = process.start(child.spec.command, self._environment, child.log)
        except OSError as error:
            child.life = supervision.exited(child.life, self._clock(), NOT_STARTED, self._policy)
            self._report(child.spec.name, f"can't be started: {error}")
            return
        self._note_running()
        self._report(child.spec.name, f"starting as process {child.process.pid}")

    def _take_over(self, child: Child, successor: Process) -> None:
        child.process, child.standby = successor, None
        successor.call()
        self._note_running()
        self._report(child.spec.name, f"its standby, process {successor.pid}, takes over")

    def _listen(self, child: Child) -> None:
        if child.process is None:
            return
        child.process.listen()
        if child.process.status.get(child.works_when) and child.life.phase is Phase.STARTING:
            child.life, child.ready_since = supervision.ready(child.life), self._clock()
            self._report(child.spec.name, "ready")

    def _reap(self, child: Child) -> None:
        if child.process is None or not child.process.has_ended:
            return
        self._listen(child)
        code = child.process.reap(self._policy.grace_s)
        child.process = None
        now, replaced = self._clock(), child.successor is not None
        child.life = supervision.exited(child.life, now, code, self._policy, replaced=replaced)
        self._note_running()
        self._report(child.spec.name, self._farewell(child, code))

    def _farewell(self, child: Child, code: int) -> str:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        if child.life.phase is Phase.DONE:
            return "done"
        if child.life.phase is Phase.FAILED:
            return f"{how}, not started again: see {child.spec.log}"
        assert child.life.deadline is not None
        pause_s = max(0.0, child.life.deadline - self._clock())
        return f"{how}, starting again in {pause_s:g} s (log: {child.spec.log})"

    def _note_running(self) -> None:
        running = {c.spec.name: c.process.pid for c in self._each() if c.process is not None}
        roster.write(self._record, running)


def standby_name(name: str) -> str:
    """Return what the standby of a child is called."""
    return f"{name}-standby"
