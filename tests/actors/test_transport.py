import asyncio
from collections.abc import Awaitable, Callable

import pytest
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.services import WaitResults

from actors.transport import Consumer, Transport


def test_what_faust_acknowledges_by_itself_is_not_done() -> None:
    consumer = object.__new__(Consumer)
    message = ConsumerMessage("alerts", 0, 7, 0.0, 0, None, b"", b"", None, tp=TP("alerts", 0))
    message.incref()
    assert message.ack(consumer) is False
    assert not message.acked
    assert Transport.Consumer is Consumer


def test_what_need_not_wait_is_done_without_a_task() -> None:
    async def immediate() -> asyncio.Task[None] | None:
        return asyncio.current_task()

    async def run(consumer: Consumer) -> None:
        found = await consumer.wait_first(immediate(), asyncio.Event().wait())
        assert (found.results, found.stopped) == ([asyncio.current_task()], False)

    _with_consumer(run)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_what_waits_is_waited_for(steps: int) -> None:
    async def waiting() -> int:
        for step in range(steps):
            assert await _soon(step) == step
        return steps

    async def run(consumer: Consumer) -> None:
        found = await consumer.wait_first(waiting(), asyncio.Event().wait())
        assert (found.results, found.stopped) == ([steps], False)

    _with_consumer(run)


@pytest.mark.parametrize("first", [0.0, 0.01])
def test_an_error_comes_through_from_the_first_step_and_from_a_later_one(first: float) -> None:
    async def failing() -> None:
        if first:
            await asyncio.sleep(first)
        raise ValueError("no room")

    async def run(consumer: Consumer) -> None:
        with pytest.raises(ValueError, match="no room"):
            await consumer.wait_first(failing(), asyncio.Event().wait())

    _with_consumer(run)


def test_whoever_waits_is_told_of_another_event_and_what_waited_is_cancelled() -> None:
    seen = []

    async def blocked() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("cancelled")
            raise

    async def run(consumer: Consumer) -> None:
        found = await consumer.wait_first(blocked(), _soon("suspended"))
        assert (found.results, found.stopped) == (["suspended"], False)
        await asyncio.sleep(0.01)
        assert seen == ["cancelled"]

    _with_consumer(run)


@pytest.mark.parametrize("blocked", [True, False])
def test_a_consumer_that_stops_waits_no_longer(blocked: bool) -> None:  # noqa: FBT001 - pytest names the parameter
    async def first() -> None:
        if blocked:
            await asyncio.Event().wait()

    async def run(consumer: Consumer) -> None:
        consumer._stopped.set()
        found = await consumer.wait_first(first(), asyncio.Event().wait())
        assert found == WaitResults(done=[], results=[], stopped=True)

    _with_consumer(run)


async def _soon(value: object) -> object:
    await asyncio.sleep(0.001)
    return value


def _with_consumer(run: Callable[[Consumer], Awaitable[None]]) -> None:
    async def running() -> None:
        consumer = object.__new__(Consumer)
        consumer.loop = asyncio.get_running_loop()
        consumer._stopped, consumer._crashed = asyncio.Event(), asyncio.Event()
        await run(consumer)

    asyncio.run(running())
