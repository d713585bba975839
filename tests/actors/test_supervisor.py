"""Shards are real Pykka actors here; only their work is scripted."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import RetryBatchError, StoppingError, StopProcessError
from actors.items import Item
from actors.lanes import Lanes
from actors.receipts import Receipts
from actors.settings import ActorSettings
from actors.shard import Shard
from actors.supervisor import Supervisor, shard_of
from ingest.errors import StopProcessError as KafkaRefusedError
from models.actions import Ack
from models.operations import CommandOperation
from models.scores import Score
from storage.buckets import BUCKETS, bucket_of


class Script:
    """The work of all shards: runs `steps` one a batch, then records what it is given."""

    def __init__(self, *steps: BaseException) -> None:
        self.steps = list(steps)
        self.made = 0
        self.done: list[list[str]] = []

    def make(self) -> Callable[[Sequence[Any]], None]:
        self.made += 1
        return self.work

    def work(self, items: Sequence[Any]) -> None:
        if self.steps:
            raise self.steps.pop(0)
        self.done.append([item.event_id for item in items])


class Pauses:
    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def supervised(script: Script, settings: ActorSettings, pauses: Pauses) -> Supervisor:
    return Supervisor(partial(Shard.start, script.make), settings, pauses)


def test_an_entity_has_the_same_shard_in_every_process() -> None:
    assert [shard_of(f"card{n}", 16) for n in range(6)] == [9, 15, 11, 8, 12, 8]


@given(entity=st.text(max_size=40), shards=st.integers(1, BUCKETS))
def test_a_bucket_has_one_shard(entity: str, shards: int) -> None:
    owned = [shard_of(f"card{n}", shards) for n in range(200) if bucket_of(f"card{n}") == bucket_of(entity)]
    assert 0 <= shard_of(entity, shards) < shards
    assert {*owned, shard_of(entity, shards)} == {shard_of(entity, shards)}
    assert {shard_of(f"card{n}", 16) for n in range(500)} == set(range(16))


def test_a_crashed_shard_is_replaced_and_given_its_batch_again(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    script, pauses = Script(ValueError("first"), KeyError("second")), Pauses()

    async def scenario() -> None:
        supervisor = supervised(script, settings, pauses)
        await supervisor.perform(2, [alert("e1"), alert("e2")])
        await supervisor.perform(2, [alert("e3")])
        supervisor.stop()

    asyncio.run(scenario())
    assert script.done == [["e1", "e2"], ["e3"]]
    assert script.made == settings.shards + 2
    assert pauses.taken == [settings.retry_first_s, 2 * settings.retry_first_s]


def test_back_off_has_a_longest_pause(settings: ActorSettings, alert: Callable[..., Score]) -> None:
    script, pauses = Script(*(ValueError() for _ in range(7))), Pauses()
    asyncio.run(supervised(script, settings, pauses).perform(0, [alert()]))
    assert max(pauses.taken) == settings.retry_most_s
    assert script.done == [["e1"]]


def test_a_shard_that_crashes_too_often_ends_the_process(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    script = Script(*(ValueError("poison") for _ in range(99)))
    supervisor = supervised(script, settings.model_copy(update={"crashes": 3}), Pauses())
    with pytest.raises(StopProcessError, match=r"crashed 4 times.*poison"):
        asyncio.run(supervisor.perform(0, [alert()]))
    assert script.done == []


def test_an_error_that_no_restart_heals_ends_the_process_at_once(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    script, pauses = Script(KafkaRefusedError("not authorised")), Pauses()
    with pytest.raises(StopProcessError, match="not authorised"):
        asyncio.run(supervised(script, settings, pauses).perform(0, [alert()]))
    assert pauses.taken == []


def test_a_stopping_shard_leaves_its_batch_and_lives(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    script = Script(StoppingError("left"))

    async def scenario() -> None:
        supervisor = supervised(script, settings, Pauses())
        with pytest.raises(StoppingError):
            await supervisor.perform(0, [alert()])
        await supervisor.perform(0, [alert()])

    asyncio.run(scenario())
    assert script.made == settings.shards


def test_a_shard_that_was_stopped_from_outside_is_replaced(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    script, pauses = Script(), Pauses()

    async def scenario() -> None:
        supervisor = supervised(script, settings, pauses)
        supervisor._shards[1].stop()
        await supervisor.perform(1, [alert()])

    asyncio.run(scenario())
    assert script.done == [["e1"]]
    assert len(pauses.taken) == 1


def test_a_shard_that_dies_without_a_word_fails_its_batch(
    settings: ActorSettings, alert: Callable[..., Score], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.supervisor.WATCH_S", 0.01)
    monkeypatch.setattr(Shard, "on_failure", lambda *_: None)
    script, pauses = Script(ValueError("unheard")), Pauses()
    errors: list[Exception] = []

    async def scenario() -> None:
        supervisor = supervised(script, settings, pauses)
        restart = supervisor._restart

        async def spy(index: int, crashes: int, error: Exception) -> None:
            errors.append(error)
            await restart(index, crashes, error)

        monkeypatch.setattr(supervisor, "_restart", spy)
        await supervisor.perform(0, [alert()])

    asyncio.run(scenario())
    assert script.done == [["e1"]]
    assert [type(error) for error in errors] == [RetryBatchError]


def lanes_with(perform: Any, settings: ActorSettings) -> tuple[Lanes[str], Receipts[str], list[str]]:
    acknowledged: list[str] = []
    receipts: Receipts[str] = Receipts(acknowledged.append)
    return Lanes(perform, receipts, settings, lambda: 0), receipts, acknowledged


@pytest.mark.parametrize(
    ("cards", "sizes"),
    [
        (1, [1, 11]),  # all that wait of a card share its writes
        (12, [1, 8, 3]),  # at most `batch` cards at once
        (9, [1, 8, 3]),
    ],
)
def test_messages_that_come_while_a_shard_works_become_one_batch_of_so_many_cards(
    settings: ActorSettings, alert: Callable[..., Score], cards: int, sizes: Sequence[int]
) -> None:
    one_lane = settings.model_copy(update={"shards": 1})
    batches: list[int] = []

    async def scenario() -> list[str]:
        free, everything = asyncio.Event(), asyncio.Event()

        async def perform(_index: int, items: Sequence[Item]) -> None:
            batches.append(len(items))
            await free.wait()
            if sum(batches) == 12:
                everything.set()

        lanes, receipts, acknowledged = lanes_with(perform, one_lane)
        running = asyncio.create_task(lanes.run())
        await lanes.admit(alert("e0", "card-0"), receipts.begin("p", "e0"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in range(1, 12):
            item = alert(f"e{number}", f"card-{number % cards}")
            await lanes.admit(item, receipts.begin("p", f"e{number}"))
        assert acknowledged == []
        free.set()
        await everything.wait()
        lanes.close()
        await running
        return acknowledged

    assert asyncio.run(scenario()) == [f"e{n}" for n in range(12)]
    assert batches == sizes


def test_a_full_lane_holds_its_sender_back(settings: ActorSettings, alert: Callable[..., Score]) -> None:
    async def scenario() -> int:
        async def perform(_index: int, _items: Sequence[Item]) -> None:
            await asyncio.Event().wait()

        lanes, receipts, _ = lanes_with(perform, settings)
        admitted = 0

        async def send() -> None:
            nonlocal admitted
            for number in range(100):
                await lanes.admit(alert(f"e{number}"), receipts.begin("p", f"e{number}"))
                admitted += 1

        sending = asyncio.create_task(send())
        await asyncio.sleep(0.01)
        sending.cancel()
        return admitted

    assert asyncio.run(scenario()) == settings.lane


def test_what_people_and_devices_say_overtakes_alerts_that_wait(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    batches: list[list[Item]] = []
    card = alert("e0").entity
    answer = Ack(command_id="c", entity=card, outcome="succeeded", reason="", at=7)
    wish = CommandOperation(
        operation_id="o",
        action="cancel",
        entity=card,
        command_id="c",
        who="ann",
        why="",
        asked_at=1,
        expires_at=2,
    )

    async def scenario() -> list[str]:
        free, everything = asyncio.Event(), asyncio.Event()

        async def perform(_index: int, items: Sequence[Item]) -> None:
            batches.append(list(items))
            await free.wait()
            if sum(map(len, batches)) == 13:
                everything.set()

        lanes, receipts, acknowledged = lanes_with(perform, settings)
        running = asyncio.create_task(lanes.run())
        await lanes.admit(alert("e0"), receipts.begin("alerts", "e0"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in range(1, 11):
            await lanes.admit(alert(f"e{number}"), receipts.begin("alerts", f"e{number}"))
        await lanes.admit(answer, receipts.begin("acks", "answer"))
        await lanes.admit(wish, receipts.begin("operations", "wish"))
        free.set()
        await everything.wait()
        lanes.close()
        await running
        return acknowledged

    done = asyncio.run(scenario())
    assert batches[1][:2] == [answer, wish]
    assert [item.event_id for batch in batches for item in batch if isinstance(item, Score)] == [
        f"e{n}" for n in range(11)
    ]
    assert sorted(done) == sorted([*(f"e{n}" for n in range(11)), "answer", "wish"])


def test_closing_ends_the_run_after_the_batches_under_way(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    async def scenario() -> tuple[list[str], int]:
        begun, free = asyncio.Event(), asyncio.Event()

        async def perform(_index: int, _items: Sequence[Item]) -> None:
            begun.set()
            await free.wait()

        lanes, receipts, acknowledged = lanes_with(perform, settings)
        running = asyncio.create_task(lanes.run())
        await lanes.admit(alert("e0"), receipts.begin("p", "e0"))
        await begun.wait()
        await lanes.admit(alert("e1"), receipts.begin("p", "e1"))
        lanes.close()
        free.set()
        await running
        return acknowledged, len(receipts)

    assert asyncio.run(scenario()) == (["e0"], 1)


def test_a_batch_left_by_a_stopping_shard_is_not_acknowledged(
    settings: ActorSettings, alert: Callable[..., Score]
) -> None:
    async def scenario() -> list[str]:
        async def perform(_index: int, _items: Sequence[Item]) -> None:
            raise StoppingError

        lanes, receipts, acknowledged = lanes_with(perform, settings)
        await lanes.admit(alert("e0"), receipts.begin("p", "e0"))
        lanes.close()
        await lanes.run()
        return acknowledged

    assert asyncio.run(scenario()) == []


def test_a_shard_does_not_keep_an_ending_process_alive(alert: Callable[..., Score]) -> None:
    before = set(threading.enumerate())
    shard = Shard.start(Script().make)
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    shard.stop()
