"""Start the nodes of one kind that are not running, and wait until they really answer."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded import cassandra, kafka, ports, processes, reasons
from infra.embedded.java import java_binary
from infra.embedded.layout import Node
from infra.embedded.settings import EmbeddedSettings
from infra.errors import GiveUpStartError
from infra.jars import resolve

Report = Callable[[str], None]

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


def bring_up(start: Start, nodes: Sequence[Node], answering: Callable[[], int]) -> None:
    """Start what is missing of one kind of server, and wait for all of it."""
    missing = [node for node in nodes if processes.running(node) is None]
    marks = {node: _launch(start, node, nodes, _jars(start, node)) for node in missing}
    _wait(start, nodes, marks, answering)
    if missing:
        start.report(f"{', '.join(node.name for node in missing)}: up.")


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
    processes.launch(node, [str(java_binary()), *arguments])
    return mark


def _prepare(start: Start, node: Node, nodes: Sequence[Node], jars: Sequence[Path]) -> list[str]:
    if node.kind == "cassandra":
        return cassandra.prepare(node, nodes, start.settings, jars)
    arguments = kafka.prepare(node, nodes, start.settings, jars)
    if formatting := kafka.format_arguments(node, start.cluster_id):
        _format(start, node, formatting)
    return arguments


def _format(start: Start, node: Node, arguments: Sequence[str]) -> None:
    done = subprocess.run(
        [str(java_binary()), *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=node.directory,
        timeout=start.settings.start_timeout_s,
    )
    if done.returncode != 0:
        raise _failure(node, reasons.find(done.stdout + done.stderr))


def _wait(start: Start, nodes: Sequence[Node], marks: dict[Node, int], answering: Callable[[], int]) -> None:
    deadline = time.monotonic() + start.settings.start_timeout_s
    while not start.cancelled.wait(_POLL_S):
        for node in nodes:
            if processes.running(node) is None:
                raise _failure(node, reasons.find(_written(node, marks.get(node, 0))))
        if all(ports.answers(node.host, node.ports.client) for node in nodes) and answering() >= len(nodes):
            return
        if time.monotonic() > deadline:
            raise GiveUpStartError(
                f"{nodes[0].kind} did not answer within {start.settings.start_timeout_s:g} s. "
                f"Its log: {nodes[0].log}. On a slow machine raise start_timeout_s."
            )


def _failure(node: Node, reason: reasons.Reason) -> GiveUpStartError:
    return reason.error(f"{node.name} did not start: {reason.text}. Its log: {node.log}")


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
