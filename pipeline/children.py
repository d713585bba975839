"""Supervised child processes, the I/O part: start, listen, log, signal; `supervision` decides.

Each child leads its own process group, holds the read end of a lifeline (its standard input) and the write
end of a status pipe, whose number it gets as its last argument. Its output goes through one size-limited log.
"""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import logs, roster, supervision
from pipeline.supervision import Action, Life, Phase, Policy

READ_BYTES = 64 * 1024

NOT_STARTED = 127
"""Exit status of a child whose program can't be started, as a shell has it."""


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
    """

    name: str
    command: tuple[str, ...]
    log: Path
    finishes: bool = False


@dataclass(frozen=True)
class LogLimits:
    """Size in bytes at which a log moves aside, and how many moved ones are kept."""

    max_bytes: int
    kept: int


@dataclass
class Child:
    """One child: what it is, where in its life it stands, and its process while there is one."""

    spec: Spec
    life: Life
    process: subprocess.Popen[bytes] | None = None
    status_fd: int = -1
    unread: bytes = b""
    status: dict[str, Any] = field(default_factory=dict)
    pump: threading.Thread | None = None


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
        self._limits = limits
        self._environment = environment
        self._record = record
        self._clock = clock
        self._report = report
        self._children = [Child(s, supervision.fresh(clock(), finishes=s.finishes)) for s in specs]

    @property
    def over(self) -> bool:
        """Whether no child will run again."""
        return all(child.life.over for child in self._children)

    @property
    def phases(self) -> Mapping[str, Phase]:
        """Where each child stands."""
        return {child.spec.name: child.life.phase for child in self._children}

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
        """What each child said last, field by field."""
        return {child.spec.name: child.status for child in self._children}

    def step(self) -> None:
        """Take in what happened and do what is due; call it a few times a second."""
        for child in list(self._children):
            self._listen(child)
            self._reap(child)
            life, action = supervision.tick(child.life, self._clock(), self._policy)
            self._act(child, life, action)

    def stop(self) -> None:
        """Ask every child to end; keep stepping until `over`."""
        for child in self._children:
            life, action = supervision.stop(child.life, self._clock(), self._policy)
            self._act(child, life, action)

    def end(self, name: str) -> None:
        """Ask one child to end; keep stepping until its life is over."""
        child = self._named(name)
        life, action = supervision.stop(child.life, self._clock(), self._policy)
        self._act(child, life, action)

    def begin(self, spec: Spec) -> None:
        """Start a child, in the place of one of the same name whose life is over."""
        self.forget(spec.name)
        self._children.append(Child(spec, supervision.fresh(self._clock(), finishes=spec.finishes)))

    def forget(self, name: str) -> None:
        """Drop a child whose life is over, if there is one of this name."""
        assert all(child.life.over for child in self._children if child.spec.name == name)
        self._children = [child for child in self._children if child.spec.name != name]

    def kill(self) -> None:
        """Kill what still runs, for an exit that cannot wait."""
        for child in self._children:
            self._signal_group(child, signal.SIGKILL)

    def _named(self, name: str) -> Child:
        return next(child for child in self._children if child.spec.name == name)

    def _act(self, child: Child, life: Life, action: Action | None) -> None:
        child.life = life
        if action is Action.START:
            self._start(child)
        elif action is Action.TERMINATE and child.process is not None:
            self._report(child.spec.name, "stopping" if life.stop_asked else "not ready in time, stopping it")
            os.kill(child.process.pid, signal.SIGTERM)  # Popen's own would reap it where it is dead
        elif action is Action.KILL:
            self._report(child.spec.name, "did not stop in time, killing it")
            self._signal_group(child, signal.SIGKILL)

    def _start(self, child: Child) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            child.process = subprocess.Popen(
                [*child.spec.command, "--status-fd", str(writer)],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writer,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reader)
            child.life = supervision.exited(child.life, self._clock(), NOT_STARTED, self._policy)
            self._report(child.spec.name, f"can't be started: {error}")
            return
        finally:
            os.close(writer)
        child.status_fd, child.unread, child.status = reader, b"", {}
        child.pump = threading.Thread(target=self._pump, args=(child.process, child.spec.log), daemon=True)
        child.pump.start()
        self._note_running()
        self._report(child.spec.name, f"starting as process {child.process.pid}")

    def _pump(self, process: subprocess.Popen[bytes], log: Path) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            logs.pump(stream, log, max_bytes=self._limits.max_bytes, kept=self._limits.kept)

    def _listen(self, child: Child) -> None:
        if child.process is None:
            return
        try:
            child.unread += os.read(child.status_fd, READ_BYTES)
        except BlockingIOError:
            return
        *lines, child.unread = child.unread.split(b"\n")
        for line in lines:
            child.status.update(json.loads(line))
        if child.status.get("ready") and child.life.phase is Phase.STARTING:
            child.life = supervision.ready(child.life)
            self._report(child.spec.name, "ready")

    def _reap(self, child: Child) -> None:
        process = child.process
        if process is None or not _has_ended(process):
            return
        self._listen(child)
        self._signal_group(child, signal.SIGKILL)  # what it started must not outlive it
        code = process.wait()
        assert process.stdin is not None
        assert child.pump is not None
        process.stdin.close()
        os.close(child.status_fd)
        child.pump.join(self._policy.grace_s)
        child.process = None
        child.life = supervision.exited(child.life, self._clock(), code, self._policy)
        self._note_running()
        self._report(child.spec.name, self._farewell(child, code))

    def _farewell(self, child: Child, code: int) -> str:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        if child.life.phase is Phase.DONE:
            return "done"
        if child.life.phase is Phase.FAILED:
            return f"{how}, not started again: see {child.spec.log}"
        assert child.life.deadline is not None
        return f"{how}, starting again in {child.life.deadline - self._clock():.0f} s (log: {child.spec.log})"

    def _signal_group(self, child: Child, number: signal.Signals) -> None:
        if child.process is not None and child.process.returncode is None:
            try:
                os.killpg(child.process.pid, number)
            except ProcessLookupError:
                return

    def _note_running(self) -> None:
        running = {c.spec.name: c.process.pid for c in self._children if c.process is not None}
        roster.write(self._record, running)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has ended; it is not reaped, so its id and group stay its own."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
