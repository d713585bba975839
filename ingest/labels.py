"""Puts labels, which become known later than their transactions, in their place by event time."""

import heapq
from collections.abc import Iterable, Iterator

from ingest.offers import Item, Offer


def interleave(stream: Iterable[tuple[Item, Offer | None]]) -> Iterator[Item]:
    """Merge labels into the stream of transactions that they belong to.

    A label comes before the first item that is not earlier than it, those left over at the end. Only
    labels that wait are held in memory: as many as there are transactions within the delay.

    Parameters
    ----------
    stream
        Items in order of event time, each with the label that it causes, if any.
    """
    waiting: list[tuple[int, int, Offer]] = []
    for number, (item, label) in enumerate(stream):
        if isinstance(item, Offer):
            while waiting and waiting[0][0] <= item.event.event_time:
                yield heapq.heappop(waiting)[2]
        yield item
        if label is not None:
            heapq.heappush(waiting, (label.event.event_time, number, label))
    while waiting:
        yield heapq.heappop(waiting)[2]
