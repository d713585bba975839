"""The servers' archives of Java classes: what a first start loads is written down, and kept once the servers have stopped."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra import class_archive
from infra.embedded.java import class_path, java_binary
from infra.embedded.layout import Node


def flags(node: Node, jars: Sequence[Path], *, recorded: bool = True) -> list[str]:
    """Return Java's flags to start a node from its archive; while there is none, the first node records its classes.

    Parameters
    ----------
    recorded
        Whether this start is worth recording.
    """
    archive = class_archive.archive_of(java_binary(), node.kind, jars)
    worth_it = recorded and node.number == 1
    found = class_archive.flags(archive, _classes(node) if worth_it else None)
    if worth_it and found and not archive.exists():
        _record(node).write_text(json.dumps({"archive": str(archive), "class_path": class_path(jars)}))
    return found


def make_later(nodes: Iterable[Node]) -> None:
    """Have the archives made of what these nodes, which have stopped, had recorded."""
    for node in nodes:
        if _record(node).exists():
            recorded = json.loads(_record(node).read_text())
            archive = Path(recorded["archive"])
            class_archive.make_later(java_binary(), recorded["class_path"], archive, _classes(node))
            _record(node).unlink()
            _classes(node).unlink(missing_ok=True)


def _classes(node: Node) -> Path:
    return node.directory / "loaded.classes"


def _record(node: Node) -> Path:
    return node.directory / "archive.json"
