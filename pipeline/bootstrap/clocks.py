"""The clocks of this process, for everything that takes one."""

import time


def wall_ms() -> int:
    """Return milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
