"""The Faust app: its settings, and one agent for each topic that it reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import faust
from faust.types import ChannelT
from faust.types.tuples import Message
from yarl import URL

from actors.settings import ActorSettings
from actors.transport import Transport
from ingest.catalog import group_name, topic_name
from ingest.membership import client_id
from ingest.ports import Record
from ingest.settings import KafkaSettings, TopicName

IN_A_ROW: Final = 100
"""Most messages that an agent takes before all other tasks have their turn."""

Take: TypeAlias = Callable[[Message, Record], Awaitable[None]]
"""Takes one message; returns when the next may come, which is before the message is done."""


def build_app(kafka: KafkaSettings, settings: ActorSettings, takers: Mapping[TopicName, Take]) -> faust.App:
    """Return a Faust app, not started, that hands every message of these topics to its taker.

    It creates no topic, has no tables and no web server, and commits only what is acknowledged through
    `actors.transport.Consumer.acknowledge`.
    """
    loop = asyncio.get_running_loop()
    brokers = [URL(f"kafka://{server}") for server in kafka.bootstrap_servers.split(",")]
    app = faust.App(
        group_name(kafka, settings.group),
        broker=brokers,
        broker_client_id=client_id(),
        loop=loop,
        autodiscover=False,
        datadir=str(settings.state_dir),
        store="memory://",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        broker_commit_interval=settings.commit_interval_s,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_request_timeout=settings.request_timeout_s,
        stream_buffer_maxsize=settings.lane,
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
    )
    app.transport = Transport(brokers, app, loop=loop)
    for topic, take in takers.items():
        _add_agent(app, topic, topic_name(kafka, topic), take)
    return app


def _add_agent(app: faust.App, name: str, topic: str, take: Take) -> None:
    async def agent(stream: Any) -> None:
        try:
            async for message in _messages(app, stream.channel):
                await take(message, record_of(message))
        except Exception as error:
            await app.crash(error)  # Faust would start the agent again behind the message that it fell over
            raise

    channel = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(channel, name=name, concurrency=1)(agent)


async def _messages(app: faust.App, channel: ChannelT[Any]) -> AsyncIterator[Message]:
    """Yield what comes, but what was read before a rebalance.

    Faust's own stream hands the processor to all other tasks before each message, which a busy worker's shards may keep
    for milliseconds.
    """
    in_a_row = 0
    async for event in channel:
        message = event.message
        if app.flow_control.is_active() and message.generation_id == app.consumer_generation_id:
            yield message
        in_a_row = (in_a_row + 1) % IN_A_ROW
        if not in_a_row:
            await asyncio.sleep(0)


def record_of(message: Message) -> Record:
    """Return Faust's message as the record that the rest of the application knows."""
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value or b"",
        timestamp_ms=round(message.timestamp * 1_000),
        headers=tuple(dict(message.headers or {}).items()),
    )
