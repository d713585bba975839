"""Clocks of single parts: one that starts while its clock is held takes its time from a file, by way of libfaketime.

Only such a process has the library, and only its wall clock moves, together with those of all that it starts: a
monotonic clock never jumps, and neither do the times of files.
"""

import importlib.util
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

SEEN_S: Final = 1.0
"""How long a process may go on with the shift that it has read last, in seconds."""

_START: Final = 'if [ -e "$0" ]; then . "$0"; fi; exec "$@"'


@dataclass(frozen=True)
class PartClocks:
    """Holds and turns the clocks of parts.

    Attributes
    ----------
    folder
        For what the parts read.
    library
        Of libfaketime.
    """

    folder: Path
    library: Path

    def launcher(self, part: str) -> tuple[str, ...]:
        """Return the program and the arguments that go before the command which starts the part."""
        return ("sh", "-c", _START, str(self._environment_of(part)))

    @contextmanager
    def held(self, part: str) -> Iterator[None]:
        """Let every process of the part that starts within the block have a clock that can be turned."""
        self.turn(part, 0)
        given = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": self._shift_of(part),
            "FAKETIME_CACHE_DURATION": round(SEEN_S),
            "DONT_FAKE_MONOTONIC": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "NO_FAKE_STAT": 1,
        }
        lines = "".join(f"export {name}='{value}'\n" for name, value in given.items())
        _write(self._environment_of(part), lines)
        try:
            yield
        finally:
            self._environment_of(part).unlink()

    def turn(self, part: str, shift_s: int) -> None:
        """Let the clock of the part run so many seconds ahead, or behind when negative; it jumps within a second."""
        _write(self._shift_of(part), f"{shift_s:+d}s\n")

    def turns(self, pid: int) -> bool | None:
        """Whether a process has a clock that can be turned; None when the launcher has not started it yet, or it is gone."""
        try:
            process = psutil.Process(pid)
            launching, preloaded = _START in process.cmdline(), process.environ().get("LD_PRELOAD")
        except psutil.Error:
            return None
        return None if launching else preloaded == str(self.library)

    def _environment_of(self, part: str) -> Path:
        return self.folder / f"{part}.sh"

    def _shift_of(self, part: str) -> Path:
        return self.folder / f"{part}.shift"


def part_clocks(folder: Path) -> PartClocks | None:
    """Return the clocks of parts that read from this folder, which is made; None where libfaketime is not installed."""
    found = importlib.util.find_spec("libfaketime")
    if (sys.platform, platform.machine()) != ("linux", "x86_64") or found is None or found.origin is None:
        return None
    library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    if not library.is_file():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return PartClocks(folder.absolute(), library)


def _write(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
