"""The actor worker: Faust reads alerts, acknowledgements and operations, shards act on them, until it shall stop."""

import asyncio
import threading
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, cast

import faust
import structlog
from faust.types.tuples import Message

from actors.agent import Take, build_app
from actors.errors import StopProcessError
from actors.feed import Feeds, Heard, look_at
from actors.items import Reader, read_ack, read_alert, read_operation
from actors.lanes import Lanes
from actors.order_permits import FleetOf, unregistered
from actors.order_sweep import sweep_all
from actors.receipts import Receipts
from actors.settings import ActorSettings
from actors.shard import Shard
from actors.stalled import messages_wait, watch
from actors.supervisor import Supervisor
from actors.transport import Consumer
from actors.work import Reject, Work
from ingest.membership import leave_for_dead
from ingest.ports import Clock, ProducerPort, Record
from ingest.settings import KafkaSettings, TopicName
from ingest.stall import Stall
from models.policies.policies import Policies
from storage.entities import EntityStore

LOOK_S: Final = 0.1
"""How often a running worker looks whether it shall stop, in seconds."""

STOP_S: Final = 15.0
"""How long Faust may take to stop, in seconds; it is killed with its process not much later."""

READERS: Final[Mapping[TopicName, Reader]] = {
    "alerts": read_alert,
    "acks": read_ack,
    "operations": read_operation,
}
"""What a worker reads."""

_log = structlog.get_logger(__name__)


def run_worker(
    kafka: KafkaSettings,
    store: EntityStore,
    producer: ProducerPort,
    settings: ActorSettings,
    stop: threading.Event,
    *,
    policies: Policies,
    reject: Reject,
    clock: Clock,
    fleet_of: FleetOf = unregistered,
) -> None:
    """Take alerts, acknowledgements and operations until `stop` is set; several workers of one group share the partitions.

    Parameters
    ----------
    store, producer
        Shared by all shards, so safe to use from several threads.
    reject
        Writes one dead letter and returns when Kafka has it.
    fleet_of
        Knows the machine register; safe to use from several threads.

    Raises
    ------
    StopProcessError
        The worker can't go on; nothing unfinished was committed, so a new process takes it up.
    """
    feeds = Feeds(
        *(Heard(partial(look_at, kafka, settings.group, topic), clock) for topic in ("alerts", "acks"))
    )

    def make_work() -> Work:
        return Work(
            store,
            producer,
            settings,
            policies,
            reject=reject,
            clock=clock,
            stop=stop,
            fleet_of=fleet_of,
            heard=feeds.answers,
        )

    sweeping = partial(sweep_all, store, settings, clock, feeds)
    leave_for_dead(kafka, settings.group)
    asyncio.run(_serve(kafka, settings, partial(Shard.start, make_work), sweeping, stop, clock=clock))


async def _serve(
    kafka: KafkaSettings,
    settings: ActorSettings,
    start_shard: Any,
    sweeping: Any,
    stop: threading.Event,
    *,
    clock: Clock,
) -> None:
    supervisor = Supervisor(start_shard, settings)
    receipts: Receipts[Message] = Receipts(lambda message: consumer.acknowledge(message))  # noqa: PLW0108 - made below
    lanes, stall = Lanes(supervisor.perform, receipts, settings, clock), Stall(settings.stall_s)
    takers = {topic: _taker(read, lanes, receipts, stall, stop) for topic, read in READERS.items()}
    app = build_app(kafka, settings, takers)
    consumer = cast("Consumer", app.consumer)

    def waiting() -> bool:
        return not len(receipts) and messages_wait(kafka, settings.group, READERS, consumer.own())

    starting, moving = asyncio.create_task(app.start()), asyncio.create_task(lanes.run())
    waking = asyncio.create_task(sweeping(lambda item: lanes.admit(item, None)))
    watching = asyncio.create_task(watch(stall, waiting))
    try:
        await _until(stop, app, (starting, moving, waking, watching))
        waking.cancel()
        watching.cancel()
        lanes.close()
        await asyncio.wait({moving}, timeout=settings.drain_s)
    finally:
        starting.cancel()
        moving.cancel()
        waking.cancel()
        watching.cancel()
        await _stopped(app, (starting, moving, waking, watching))
        consumer.release()
        supervisor.stop()
    _log.info("worker_stopped", undone=len(receipts))


async def _until(stop: threading.Event, app: faust.App, tasks: Iterable["asyncio.Task[None]"]) -> None:
    while not stop.is_set():
        if app.crashed:
            raise StopProcessError(f"Faust crashed: {app.crash_reason!r}") from app.crash_reason
        for task in tasks:
            if task.done() and (error := task.exception()) is not None:
                raise StopProcessError(f"the worker can't go on: {_cause(error)}") from error
        await asyncio.sleep(LOOK_S)


async def _stopped(app: faust.App, tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Stop Faust, but do not wait for brokers that do not answer: what it would still commit is done once more instead."""
    try:
        async with asyncio.timeout(STOP_S):
            await asyncio.gather(*tasks, return_exceptions=True)
            await app.stop()
    except TimeoutError:
        _log.warning("faust_not_stopped", waited_s=STOP_S)


def _cause(error: BaseException) -> BaseException:
    return _cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _taker(
    read: Reader, lanes: Lanes[Message], receipts: Receipts[Message], stall: Stall, stop: threading.Event
) -> Take:
    async def take(message: Message, record: Record) -> None:
        stall.heard(time.monotonic())
        if not stop.is_set():
            receipt = receipts.begin(message.tp, message)
            await lanes.admit(read(record), receipt)

    return take
