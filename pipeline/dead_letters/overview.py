"""Dead letters counted by what is wrong with them and where they came from."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pipeline.dead_letters.letters import Letter


@dataclass
class Group:
    """The letters of one reason, source and topic.

    Attributes
    ----------
    topic
        Where the events lay, without prefix; None when they were refused before they reached a topic.
    letters, redriven
        How many there are, and how many of them were sent again.
    first, last
        When the oldest and the newest were written, milliseconds since the epoch.
    example
        The name of the newest.
    """

    reason: str
    source: str
    topic: str | None
    letters: int
    redriven: int
    first: int
    last: int
    example: str


def grouped(letters: Iterable[Letter], redriven: AbstractSet[str]) -> list[Group]:
    """Return the groups, the largest first.

    Parameters
    ----------
    redriven
        Names of the letters that were sent again.
    """
    groups: dict[tuple[str, str, str | None], Group] = {}
    for letter in letters:
        held = letter.letter
        key = (held.reason, held.source, letter.topic)
        at = letter.written_at
        group = groups.setdefault(key, Group(*key, 0, 0, at, at, letter.letter_id))
        group.letters += 1
        group.redriven += letter.letter_id in redriven
        group.first, group.last = min(group.first, at), max(group.last, at)
        group.example = letter.letter_id
    return sorted(groups.values(), key=lambda group: (-group.letters, group.reason, group.source))
