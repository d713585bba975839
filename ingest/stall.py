"""When a client of Kafka has stalled, the pure part: records wait, and it reads none, or has none acknowledged.

librdkafka's consumer falls into this now and then when a commit is under way while its member is expelled, as after a
broker that was held for longer than a session, or restarted: it polls for ever and fetches nothing, with partitions or
without any, when its group does not know it any more. Only a new consumer helps.
"""

from dataclasses import dataclass


@dataclass
class Stall:
    """What is known of one client; times are seconds of any monotonic clock.

    Parameters
    ----------
    patience_s
        How long nothing may come before a look; two looks in a row that find records waiting show a stall.
    """

    patience_s: float
    _quiet_since: float | None = None
    _waited: bool = False

    def heard(self, now: float) -> None:
        """Note that records came, or were acknowledged."""
        self._quiet_since, self._waited = now, False

    def is_due(self, now: float) -> bool:
        """Whether to look."""
        if self._quiet_since is None:
            self._quiet_since = now
        return now - self._quiet_since >= self.patience_s

    def looked(self, now: float, *, waiting: bool) -> bool:
        """Note one look, and return whether this is a stall."""
        stalled = waiting and self._waited
        self._quiet_since, self._waited = now, waiting
        return stalled
