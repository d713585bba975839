"""One process of a child: its lifeline, its status pipe and the pump of its output; when to start it is not decided here."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from logging import Handler
from typing import Any, Final

from pipeline import logs

READ_BYTES: Final = 64 * 1024
CALL: Final = b"work\n"
"""What a standby hears through its lifeline when its turn has come."""


@dataclass
class Process:
    """A process that was started, until it is reaped.

    Attributes
    ----------
    status
        What it said last, field by field.
    """

    popen: "subprocess.Popen[bytes]"
    status_fd: int
    pump: threading.Thread
    status: dict[str, Any] = field(default_factory=dict)
    unread: bytes = b""

    @property
    def pid(self) -> int:
        """Its id."""
        return self.popen.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; it is not reaped, so its id and group stay its own."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def listen(self) -> None:
        """Take in what it has said."""
        try:
            self.unread += os.read(self.status_fd, READ_BYTES)
        except BlockingIOError:
            return
        *lines, self.unread = self.unread.split(b"\n")
        for line in lines:
            self.status.update(json.loads(line))

    def call(self) -> None:
        """Call a standby to its work; one that has ended meanwhile does not hear it."""
        assert self.popen.stdin is not None
        try:
            self.popen.stdin.write(CALL)
            self.popen.stdin.flush()
        except BrokenPipeError:
            return

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)  # Popen's own would reap it where it is dead

    def kill_group(self) -> None:
        """Kill it with all that it has started."""
        if self.popen.returncode is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def reap(self, patience_s: float) -> int:
        """Return the exit status of a process that has ended; what it started does not outlive it.

        Parameters
        ----------
        patience_s
            How long the rest of its output is waited for, in seconds.
        """
        self.kill_group()
        code = self.popen.wait()
        assert self.popen.stdin is not None
        self.popen.stdin.close()
        os.close(self.status_fd)
        self.pump.join(patience_s)
        return code


def start(command: Sequence[str], environment: Mapping[str, str], log: Handler) -> Process:
    """Start a process; `--status-fd N` is appended to the command.

    Raises
    ------
    OSError
        When the program can't be started.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        popen = subprocess.Popen(
            [*command, "--status-fd", str(writer)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
        )
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    pump = threading.Thread(target=_pump, args=(popen, log), daemon=True)
    pump.start()
    return Process(popen, reader, pump)


def _pump(popen: "subprocess.Popen[bytes]", log: Handler) -> None:
    assert popen.stdout is not None
    with popen.stdout as stream:
        logs.pump(stream, log)
