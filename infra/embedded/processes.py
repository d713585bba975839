"""Server processes that outlive us: start, recognise again, stop. Never touches a process we did not start."""

import fcntl
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psutil

from infra.embedded import ports
from infra.embedded.layout import Node
from infra.errors import GiveUpStartError, GiveUpStopError

_OUTPUT_LIMIT_BYTES = 1024 * 1024
_LOCK = "in-use.lock"
# The boot time, from which start times are reckoned, moves when the machine's clock is set.
_SAME_START_S = 2.0
_KILL_WAIT_S = 10.0
_LOCK_WAIT_S = 10.0
_POLL_S = 0.05

# Starts "$@" in the background, its output cut off at $1 bytes into $2, and says its process id.
# The shell ends at once, so the server is nobody's child: it leaves no zombie in the process that called us.
_LAUNCH = """
limit=$1 output=$2; shift 2
exec 3>&1
{ "$@" </dev/null 2>&1 3>&- & echo $! >&3; } | head -c "$limit" >"$output" 2>/dev/null 3>&- &
"""


def launch(node: Node, command: Sequence[str]) -> None:
    """Start a node's process in a session of its own and write down which one it is."""
    shell = ["/bin/sh", "-c", _LAUNCH, "launch", str(_OUTPUT_LIMIT_BYTES), str(node.output), *command]
    with (node.directory / _LOCK).open("w") as lock:
        _hold(lock, node)
        done = subprocess.run(
            shell,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=node.directory,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    _record(node, int(done.stdout))


def await_end(node: Node) -> None:
    """Wait until a dying process of a node has let go of its files and ports."""
    if node.process_record.exists() and running(node) is None:
        with (node.directory / _LOCK).open("w") as lock:
            _hold(lock, node)


def _hold(lock: IO[str], node: Node) -> None:
    """Take the lock that the server inherits: two processes on the same data would spoil it."""
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise GiveUpStartError(
                    f"{node.name} did not start: a process that is not recorded works in {node.directory}. "
                    f"Find it with `fuser {lock.name}` and stop it."
                ) from None
            time.sleep(_POLL_S)


def _record(node: Node, pid: int) -> None:
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    node.process_record.write_text(json.dumps({"pid": pid, "started": started}))


def running(node: Node) -> psutil.Process | None:
    """Find a node's process; None when it is gone, or its process id belongs to another by now."""
    try:
        record = json.loads(node.process_record.read_text())
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["started"]) < _SAME_START_S
        command = process.cmdline()  # empty for a moment while it is being started
        ours = not command or any(str(node.directory) in argument for argument in command)
    except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if same and ours and _alive(process) else None


def answers(node: Node) -> bool:
    """Tell whether a node's own process accepts connections: another's may, while ours is about to find its port taken."""
    return ports.answers(node.host, node.ports.client) and _listens(node)


def _listens(node: Node) -> bool:
    process = running(node)
    try:
        sockets = process.net_connections(kind="tcp") if process else []
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(
        socket.status == psutil.CONN_LISTEN and socket.laddr.port == node.ports.client for socket in sockets
    )


def forget(node: Node) -> None:
    """Drop the record of a process that is gone."""
    node.process_record.unlink(missing_ok=True)


def stop(node: Node, timeout_s: float) -> bool:
    """Ask a node's process to stop, kill it when it does not; tell whether there was one."""
    process = running(node)
    if process is not None:
        process.terminate()
        if not _gone(process, timeout_s):
            process.kill()
            if not _gone(process, _KILL_WAIT_S):
                raise GiveUpStopError(f"{node.name} (process {process.pid}) does not even stop when killed.")
    forget(node)
    return process is not None


def _gone(process: psutil.Process, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while _alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _alive(process: psutil.Process) -> bool:
    # Whoever adopted the process may be slow to bury it.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def disk_bytes(directory: Path) -> int:
    """Sum what a directory takes on disk; files that vanish meanwhile do not count."""
    return sum(_blocks(path) for path in directory.rglob("*"))


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0
