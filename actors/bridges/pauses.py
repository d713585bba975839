"""Pauses that double each time, by name: for what is tried again without waiting for it."""


class Pauses:
    """Until when each name pauses; times in milliseconds since the epoch.

    Parameters
    ----------
    first_s, most_s
        Length of the first pause and of the longest, in seconds.
    """

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_ms = first_s * 1_000
        self._most_ms = most_s * 1_000
        self._pauses: dict[str, tuple[float, float]] = {}

    def begin(self, name: str, now: int) -> None:
        """Pause from now on, twice as long as the last time."""
        length, _ = self._pauses.get(name, (self._first_ms / 2, 0.0))
        length = min(self._most_ms, length * 2)
        self._pauses[name] = (length, now + length)

    def over(self, name: str, now: int) -> bool:
        """Whether nothing keeps the name back."""
        return name not in self._pauses or now >= self._pauses[name][1]

    def end(self, name: str) -> None:
        """Begin with short pauses again."""
        self._pauses.pop(name, None)
