"""When a pipeline has drained, the pure part: nothing waits anywhere, and nothing moved since the last look."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """One look at the pipeline.

    Attributes
    ----------
    query_done
        Whether the query has read everything and ended.
    lags
        Records that wait, by name of who has to take them.
    ends
        Records ever written, by topic: where they grow, somebody still works.
    """

    query_done: bool
    lags: Mapping[str, int]
    ends: Mapping[str, int]

    @property
    def quiet(self) -> bool:
        """Whether nothing waits."""
        return self.query_done and not any(self.lags.values())


def drained(earlier: Look | None, now: Look) -> bool:
    """Whether two looks, some time apart, show that all work is done."""
    return earlier is not None and earlier.quiet and now.quiet and earlier.ends == now.ends


def waiting(look: Look) -> str:
    """Name who still has work, for a person."""
    parts = [] if look.query_done else ["query"]
    parts += [f"{name} {lag}" for name, lag in look.lags.items() if lag]
    return ", ".join(parts) or "nothing"
