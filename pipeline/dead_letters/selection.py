"""Which dead letters are meant: filters, and finding one by its name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.dead_letters.letters import Letter
from pipeline.errors import RefuseUsageError


@dataclass(frozen=True)
class Selection:
    """A filter; what is left out does not restrict.

    Attributes
    ----------
    ids
        Names of letters, or beginnings of them.
    exactly
        Names of letters, or None.
    reasons, sources, topics
        Values of which a letter must have one.
    since, until
        When the letter was written: since <= time < until, milliseconds since the epoch.
    """

    ids: tuple[str, ...] = ()
    exactly: frozenset[str] | None = None
    reasons: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether this letter is meant."""
        return (
            (self.exactly is None or letter.letter_id in self.exactly)
            and (not self.ids or letter.letter_id.startswith(self.ids))
            and (not self.reasons or letter.letter.reason in self.reasons)
            and (not self.sources or letter.letter.source in self.sources)
            and (not self.topics or letter.topic in self.topics)
            and (self.since is None or letter.written_at >= self.since)
            and (self.until is None or letter.written_at < self.until)
        )

    def of(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """Yield the letters that are meant."""
        return filter(self.takes, letters)


def the_one(letters: Iterable[Letter], name: str) -> Letter:
    """Return the letter of this name, or of the only name that begins so.

    Raises
    ------
    RefuseUsageError
        When there is none, or more than one.
    """
    found = list(Selection(ids=(name,)).of(letters))
    if not found:
        raise RefuseUsageError(
            f"there is no dead letter {name}: `fastdata dead-letters list --each` names them; "
            "the topic keeps them for its retention only"
        )
    if len(found) > 1:
        names = ", ".join(letter.letter_id for letter in found[:5])
        raise RefuseUsageError(f"{len(found)} dead letters begin with {name}: {names}; name one")
    return found[0]
