"""The fraud model's features in plain Python, one object per key: what the peers in the benchmarks compute with.

Written for speed, not for generality: sums that decay from event to event, O(1) per event. The numbers are those
of `models.fraud` as long as a key's events span less than one window of history.
"""

import math
from collections.abc import Sequence

from models.fraud import DAY, LIMIT, MONTH, REPORTED, TIMES

Values = dict[str, float]


class CardFeatures:
    """What a card usually pays.

    Attributes
    ----------
    sums
        Time, weights, amounts, squares, roots: decayed to that time.
    recent
        The last ten payments: time, id, amount.
    """

    __slots__ = ("recent", "sums")

    def __init__(
        self, sums: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0), recent: Sequence[tuple[int, str, float]] = ()
    ) -> None:
        self.sums = tuple(sums)
        self.recent = list(recent)

    def take(self, time: int, event_id: str, amount: float) -> Values:
        """Take one payment and return the card's features with it."""
        before, weights, total, squares, roots = self.sums
        decay = 2.0 ** ((before - time) / MONTH)
        weights, total = weights * decay + 1.0, total * decay + amount
        squares, roots = squares * decay + amount * amount, roots * decay + math.sqrt(amount)
        self.sums = (float(time), weights, total, squares, roots)
        recent = self.recent
        recent.append((time, event_id, amount))
        if len(recent) > 1 and recent[-1] < recent[-2]:
            recent.sort()
        if len(recent) > 10:  # noqa: PLR2004 - as many as the model keeps
            del recent[0]
        mean, root = total / weights, roots / weights
        spread = squares / weights
        variance = spread - mean * mean
        deviation = math.sqrt(variance) if variance >= 1e-12 * spread else 0.0
        largest = max(
            (a for t, i, a in recent if time - MONTH < t and (t, i) <= (time, event_id)), default=None
        )
        return {
            "amount": amount,
            "card_mean": mean,
            "card_deviation": deviation,
            "card_root": root,
            "deviations": (amount - mean) / deviation if deviation else 0.0,
            "times_usual": amount / (root * root) if root else 1.0,
            "card_spread": deviation / mean if mean else 0.0,
            "card_largest": math.nan if largest is None else largest,
            "largest_to_mean": largest / mean if largest is not None and mean else 1.0,
        }


class TerminalFeatures:
    """What is known of a terminal.

    Attributes
    ----------
    sums
        Time; labels and frauds by the day and by the month, large payments by the month: decayed to that time.
    seen
        How many payments and labels.
    """

    __slots__ = ("seen", "sums")

    def __init__(self, sums: Sequence[float] = (0.0,) * 6, seen: tuple[int, int] = (0, 0)) -> None:
        self.sums = tuple(sums)
        self.seen = seen

    def label(self, time: int, *, fraud: bool) -> None:
        """Take one label."""
        _, labels_day, frauds_day, labels, frauds, large = self._decayed(time)
        hit = float(fraud)
        self.sums = (float(time), labels_day + 1.0, frauds_day + hit, labels + 1.0, frauds + hit, large)
        self.seen = (self.seen[0], self.seen[1] + 1)

    def take(self, time: int, card: Values) -> Values:
        """Take one payment, with its card's features, and return the terminal's with it."""
        _, labels_day, frauds_day, labels, frauds, large = self._decayed(time)
        large += float(card["times_usual"] > TIMES or card["amount"] > LIMIT)
        self.sums = (float(time), labels_day, frauds_day, labels, frauds, large)
        self.seen = (self.seen[0] + 1, self.seen[1])
        return {
            "terminal_risk_day": frauds_day / labels_day if labels_day else 0.0,
            "terminal_risk_month": frauds / labels if labels else 0.0,
            "terminal_frauds": frauds,
            "terminal_known": labels,
            "terminal_large": large,
            "terminal_unexplained": frauds - REPORTED * large,
        }

    def _decayed(self, time: int) -> tuple[float, float, float, float, float, float]:
        before, labels_day, frauds_day, labels, frauds, large = self.sums
        day, month = 2.0 ** ((before - time) / DAY), 2.0 ** ((before - time) / MONTH)
        return before, labels_day * day, frauds_day * day, labels * month, frauds * month, large * month
