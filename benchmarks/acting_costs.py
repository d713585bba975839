"""What a run of the actors costs: CPU seconds by program, and the statements that workers give to Cassandra."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import psutil
from cassandra.query import BatchStatement, BoundStatement, PreparedStatement

KEEP_S: Final = 0.2
"""How often a worker writes down what it has counted: it may be killed at any time."""


class Cpu:
    """CPU seconds of programs since they were named; what a process that has ended used still counts.

    Parameters
    ----------
    programs
        Process ids by the name of their program.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, psutil.Process, float, float]] = {}

    def watch(self, program: str, pid: int, *, from_birth: bool = False) -> None:
        """Count a process from now on, or with all that it has used already."""
        process = psutil.Process(pid)
        used = _used(process)
        self._known[pid] = (program, process, 0.0 if from_birth else used, used)

    def look(self) -> None:
        """Note what all have used by now."""
        for pid, (program, process, first, last) in self._known.items():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                self._known[pid] = (program, process, first, max(last, _used(process)))

    def seconds(self) -> dict[str, float]:
        """Return the CPU seconds by program."""
        self.look()
        found: Counter[str] = Counter()
        for program, _, first, last in self._known.values():
            found[program] += last - first  # type: ignore[assignment] - seconds are no whole numbers
        return dict(found)


class CountingSession:
    """A session of the driver that counts what it is told to execute, by kind and table; `rows` counts a batch's own.

    Parameters
    ----------
    path
        Where the counts are kept up to date.
    """

    def __init__(self, session: Any, path: Path) -> None:
        self._session = session
        self._path = path
        self._counts: Counter[str] = Counter()
        self._names: dict[bytes, str] = {}
        threading.Thread(target=self._keep, daemon=True).start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def prepare(self, text: str) -> PreparedStatement:
        """Prepare a statement, and remember its name."""
        prepared: PreparedStatement = self._session.prepare(text)
        self._names[prepared.query_id] = _named(text)
        return prepared

    def execute(self, statement: Any, *rest: Any, **more: Any) -> Any:
        """Count and execute."""
        self._count(statement)
        return self._session.execute(statement, *rest, **more)

    def execute_async(self, statement: Any, *rest: Any, **more: Any) -> Any:
        """Count and execute."""
        self._count(statement)
        return self._session.execute_async(statement, *rest, **more)

    def _count(self, statement: Any) -> None:
        if isinstance(statement, BatchStatement):
            names = [
                self._names.get(query, "?") if is_prepared else _named(query)
                for is_prepared, query, _ in statement._statements_and_parameters  # noqa: SLF001 - it has no accessor
            ]
            self._counts[f"batch {names[0]}"] += 1
            self._counts[f"rows {names[0]}"] += len(names)
        elif isinstance(statement, BoundStatement):
            self._counts[_named(statement.prepared_statement.query_string)] += 1
        elif isinstance(statement, PreparedStatement):
            self._counts[_named(statement.query_string)] += 1

    def _keep(self) -> None:
        while True:
            self._path.write_text(json.dumps(self._counts), encoding="utf-8")
            threading.Event().wait(KEEP_S)


def counted(paths: Iterable[Path]) -> dict[str, int]:
    """Return what workers have counted, all together, the most frequent first."""
    total: Counter[str] = Counter()
    for path in paths:
        with suppress(json.JSONDecodeError):
            total.update(json.loads(path.read_text(encoding="utf-8")))
    return dict(total.most_common())


def listening(port: int) -> int | None:
    """Return the process of this machine that listens on a port, if it may be seen."""
    found = (c.pid for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port)
    return next(found, None)


def _used(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


@cache
def _named(text: str) -> str:
    verb, table = text.split(maxsplit=1)[0].lower(), re.search(r"\b(?:INTO|FROM|UPDATE)\s+(\w+)", text)
    return f"{verb} {'?' if table is None else table[1]}"
