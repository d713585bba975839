"""Start the nodes of one kind that are not running, and wait until they really answer."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded import archives, blank_logs, cassandra, kafka, processes, reasons
from infra.embedded.java import java_binary
from infra.embedded.layout import Node
from infra.embedded.settings import EmbeddedSettings
from infra.errors import GiveUpStartError, PortTakenError
from infra.jars import resolve

Report = Callable[[str], None]
Answering = Callable[[], int]

_POLL_S = 0.05
_LOG_TAIL_BYTES = 256 * 1024


@dataclass
class Start:
    """One call of `up`, as the threads that start Kafka and Cassandra share it."""

    settings: EmbeddedSettings
    report: Report
    cluster_id: str
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: list[Node] = field(default_factory=list)


def bring_up(start: Start, nodes: Sequence[Node], answering: Answering) -> None:
    """Start what is missing of one kind of server, and wait for all of it."""
    marks: dict[Node, int] = {}
    try:
        _launch_and_wait(start, nodes, marks, answering)
    except PortTakenError as error:
        if len(marks) == len(nodes):
            raise
        raise GiveUpStartError(
            f"{error} The other nodes run on this port too, so it has to be freed."
        ) from error
    if marks:
        start.report(f"{', '.join(node.name for node in marks)}: up.")


def _launch_and_wait(
    start: Start, nodes: Sequence[Node], marks: dict[Node, int], answering: Answering
) -> None:
    """Launch each node that is found dead, once, and again after what it died of is mended, until all of them answer."""
    deadline = time.monotonic() + start.settings.start_timeout_s
    while not start.cancelled.is_set():
        for node in nodes:
            if processes.running(node) is None:
                _launch_once(start, node, nodes, marks)
        if _all_answer(nodes, answering):
            return
        if time.monotonic() > deadline:
            raise _too_slow(start, nodes[0])
        start.cancelled.wait(_POLL_S)


def _all_answer(nodes: Sequence[Node], answering: Answering) -> bool:
    # A plain connection first: client libraries complain loudly of a server that is not there yet.
    return all(map(processes.answers, nodes)) and answering() >= len(nodes)


def _launch_once(start: Start, node: Node, nodes: Sequence[Node], marks: dict[Node, int]) -> None:
    if node in marks:
        _mend(start, node, _written(node, marks[node]))
    marks[node] = _launch(start, node, nodes, _jars(start, node))


def _mend(start: Start, node: Node, written: str) -> None:
    """Do what is known to help a node that ended at its start, so that it may be started again; raise where nothing is."""
    told = (
        blank_logs.put_aside(written, cassandra.commit_logs(node), node.directory / "blank_logs")
        if node.kind == "cassandra"
        else None
    )
    if told is None:
        raise _failure(node, reasons.find(written))
    start.report(f"{node.name}: {told}.")


def _jars(start: Start, node: Node) -> Sequence[Path]:
    return resolve(node.kind, start.settings.jar_cache)


def _launch(start: Start, node: Node, nodes: Sequence[Node], jars: Sequence[Path]) -> int:
    """Start one node; give the length its log had before."""
    if node.process_record.exists():
        start.report(f"{node.name} is recorded as running, but its process is gone: starting it again.")
        processes.forget(node)
    node.log.parent.mkdir(parents=True, exist_ok=True)
    node.data.mkdir(exist_ok=True)
    arguments = _prepare(start, node, nodes, jars)
    mark = node.log.stat().st_size if node.log.exists() else 0
    start.started.append(node)
    processes.launch(node, [str(java_binary()), *archives.flags(node, jars), *arguments])
    return mark


def _prepare(start: Start, node: Node, nodes: Sequence[Node], jars: Sequence[Path]) -> list[str]:
    if node.kind == "cassandra":
        return cassandra.prepare(node, nodes, start.settings, jars)
    arguments = kafka.prepare(node, nodes, start.settings, jars)
    if formatting := kafka.format_arguments(node, start.cluster_id):
        _format(start, node, [*archives.flags(node, jars, recorded=False), *formatting])
    return arguments


def _format(start: Start, node: Node, arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            [str(java_binary()), *arguments],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=node.directory,
            timeout=start.settings.start_timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise _too_slow(start, node) from None
    if done.returncode != 0:
        node.output.write_text(done.stdout + done.stderr)
        raise _failure(node, reasons.find(done.stdout + done.stderr))


def _failure(node: Node, reason: reasons.Reason) -> GiveUpStartError:
    return reason.error(f"{node.name} did not start: {reason.text}. Its logs: {node.log.parent}")


def _too_slow(start: Start, node: Node) -> GiveUpStartError:
    return GiveUpStartError(
        f"{node.kind} did not answer within {start.settings.start_timeout_s:g} s. "
        f"Its logs: {node.log.parent}. On a slow machine raise start_timeout_s."
    )


def _written(node: Node, mark: int) -> str:
    return _tail(node.log, mark) + "\n" + _tail(node.output, 0)


def _tail(path: Path, mark: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(mark if mark <= size else 0, size - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
