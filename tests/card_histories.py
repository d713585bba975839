"""The scores of a card in the order of its events, for definitions of features that a test writes out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from models.scores import Score


def up_to_each(rows: Iterable[Score]) -> Iterator[list[Score]]:
    """Give for each event of each card its score and all before it, itself last; a score that came twice counts once."""
    by_card: defaultdict[str, dict[int, Score]] = defaultdict(dict)
    for score in rows:
        by_card[score.entity][score.offset] = score
    for card in by_card.values():
        ordered = [card[offset] for offset in sorted(card)]
        for number in range(len(ordered)):
            yield ordered[: number + 1]
