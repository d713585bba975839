"""How often a process that lives long looks for garbage in cycles; what is in none is freed at once in any case.

Python looks each time 700 objects more are alive. A part that keeps state in memory has hundreds of thousands, and an
actor worker spent a third of its processor time on looking.
"""

import gc
from typing import Final

_YOUNG: Final = 20_000
"""After so many objects more the youngest are looked at: some milliseconds."""

_ROUNDS: Final = 10


def collect_rarely() -> None:
    """Leave what is loaded by now alone, for it stays, and look at the rest every some ten thousand objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _ROUNDS, _ROUNDS)
