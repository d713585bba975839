"""A rebalance storm: another process of a part joins its group and leaves it, again and again."""

import time
from typing import Final

from pipeline.drill.rig import Rig

TIMES: Final = 3
LEAST_S, MOST_S = 3.0, 6.0


def storm(part: str, rig: Rig) -> str:
    """Let a second process come and go; every second time it is killed instead of stopped."""
    for number in range(TIMES):
        with rig.joined(part) as process:
            time.sleep(rig.rng.uniform(LEAST_S, MOST_S))
            if number % 2:
                process.kill()
    return f"a second {part} joined and left {TIMES} times"
