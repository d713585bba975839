"""A worker that reads nothing while messages wait: seen, so that it starts anew.

The Kafka client under Faust can fall silent when its member was expelled, as after a broker that was held for longer than
a session; the process looks alive, and its partitions stand still.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from actors.errors import StopProcessError
from actors.feed import look_at
from ingest.admin import group_members
from ingest.catalog import topic_name
from ingest.errors import RetryLaterError
from ingest.settings import KafkaSettings, TopicName
from ingest.stall import Stall

EVERY_S: Final = 1.0


async def watch(stall: Stall, waiting: Callable[[], bool], every_s: float = EVERY_S) -> None:
    """Look, whenever nothing was taken for a while, until a stall is seen.

    Parameters
    ----------
    stall
        Hears of every message that is taken.
    waiting
        Whether messages wait that nobody has in hand; may block.

    Raises
    ------
    StopProcessError
        The worker reads nothing while messages wait.
    """
    while True:
        await asyncio.sleep(every_s)
        if stall.is_due(time.monotonic()):
            found = await asyncio.to_thread(waiting)
            if stall.looked(time.monotonic(), waiting=found):
                raise StopProcessError(
                    f"nothing was read for {2 * stall.patience_s:g} s while messages wait; a new process reads on"
                )


def messages_wait(
    kafka: KafkaSettings, group: str, topics: Collection[TopicName], own: Collection[tuple[str, int]]
) -> bool:
    """Whether messages wait for one member of a group; False where Kafka does not say.

    Parameters
    ----------
    own
        Its partitions, by the topic's name in Kafka. Without any, all messages wait for it, unless the group has members
        to spare: Kafka may have forgotten it.
    """
    try:
        reached = {
            (topic_name(kafka, topic), partition): reach
            for topic in topics
            for partition, reach in look_at(kafka, group, topic).items()
        }
        waiting = {where for where, reach in reached.items() if reach.taken < reach.end}
        if own:
            return not waiting.isdisjoint(own)
        return bool(waiting) and group_members(kafka, group) <= len(reached)
    except RetryLaterError:
        return False
