"""The levels of a drill, measured: processes by their records with all that they started, folders by their files."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import structlog

from infra.embedded.layout import servers_dir
from infra.embedded.processes import disk_bytes
from pipeline import roster
from pipeline.bootstrap.drill_rig import servers_of
from pipeline.drill.levels import Level
from pipeline.settings import Settings

EVERY_S: Final = 10.0
MB: Final = 1 << 20

log = structlog.get_logger(__name__)


@contextmanager
def noted(settings: Settings, note: Callable[[Level], None]) -> Iterator[None]:
    """Note the levels of all processes and folders every few seconds while the block runs."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY_S):
            try:
                for level in levels(settings):
                    note(level)
            except OSError as error:
                log.info("no levels", reason=str(error))

    thread = threading.Thread(target=look, name="levels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def levels(settings: Settings) -> Iterator[Level]:
    """Return all levels of this moment."""
    now = time.monotonic()
    processes = {**roster.orphans(settings.run_dir / roster.RECORD), **servers_of(settings)}
    for name, pid in processes.items():
        found = of_process(pid)
        if found is not None:
            yield Level(now, name, pid, found)
    for name, folder in _folders(settings).items():
        yield Level(now, name, 0, {"disk_mb": disk_bytes(folder) / MB})


def of_process(pid: int) -> Mapping[str, float] | None:
    """Return memory, open files and threads of a process and of all that it started; None when it is gone."""
    try:
        own = psutil.Process(pid)
        family = [own, *own.children(recursive=True)]
        return {
            "memory_mb": sum(process.memory_info().rss for process in family) / MB,
            "files": sum(process.num_fds() for process in family),
            "threads": sum(process.num_threads() for process in family),
        }
    except psutil.Error:
        return None


def _folders(settings: Settings) -> Mapping[str, Path]:
    nodes = servers_dir(settings.embedded.state_dir)
    return {
        "checkpoints": settings.processing.checkpoint_dir,
        **{f"{kind} data": nodes / f"{kind}-1" / "data" for kind in ("kafka", "cassandra")},
        "logs": settings.run_dir / "logs",
    }
