"""`pipeline.child` by a clock that can be turned: `python -m pipeline.drill.turned_child FOLDER NAME ...`, as a drill starts parts.

What all Python of the process takes for the time of the wall is ahead of it by the seconds in a file. The monotonic clock
is left alone, and so are the clocks that Java and the clients written in C keep for themselves.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

SEEN_S: Final = 0.5
"""How long a process may go on with the shift that it has read last, in seconds."""


def shift_file(folder: Path, part: str) -> Path:
    """Return the file that says how far the clock of a part is ahead."""
    return folder / f"{part}.shift"


def turn(folder: Path, part: str, shift_s: int) -> None:
    """Let the clock of a part be so many seconds ahead, or behind when negative; it jumps within `SEEN_S`."""
    file = shift_file(folder, part)
    new = file.with_suffix(".new")
    new.write_text(str(shift_s), encoding="utf-8")
    new.replace(file)


def shifted(file: Path, monotonic: Callable[[], float]) -> Callable[[], int]:
    """Return a function that gives the shift in the file, in seconds; without a file there is none."""
    seen, looked_at = 0, -SEEN_S

    def shift_s() -> int:
        nonlocal seen, looked_at
        if (now := monotonic()) - looked_at >= SEEN_S:
            seen, looked_at = int(file.read_text(encoding="utf-8")) if file.exists() else 0, now
        return seen

    return shift_s


def main(arguments: Sequence[str]) -> int:
    """Let the clock be turned, then be the part."""
    folder, name, *_ = arguments
    shift_s, seconds, nanoseconds = (
        shifted(shift_file(Path(folder), name), time.monotonic),
        time.time,
        time.time_ns,
    )
    time.time = lambda: seconds() + shift_s()
    time.time_ns = lambda: nanoseconds() + shift_s() * 1_000_000_000

    from pipeline import child  # noqa: PLC0415 - what is imported from here on may keep the clock that it finds

    return child.main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
