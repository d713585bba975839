"""When a shard rests: while it is behind, in proportion to that, and never where few messages come."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from msgspec import structs

from actors.items import Item
from actors.lanes import CROWD, MOST_REST_S, Lanes, rest_s
from actors.receipts import Receipts
from actors.settings import ActorSettings
from models.actions import Ack
from models.scores import Score

MakeAlert = Callable[..., Score]


@pytest.mark.parametrize(
    ("late_ms", "count", "rest"),
    [
        (0, CROWD, 0.0),
        (-5_000, CROWD, 0.0),
        (200, CROWD, 0.05),
        (200, CROWD - 1, 0.0),
        (60_000, 500, MOST_REST_S),
        (60_000, 1, 0.0),
    ],
)
def test_a_rest_is_a_quarter_of_what_the_oldest_alert_is_late(
    alert: MakeAlert, late_ms: int, count: int, rest: float
) -> None:
    late = [structs.replace(alert(f"e{n}"), ingested_at=10_000 + n) for n in range(count)]
    assert rest_s(late, 10_000 + late_ms) == rest


def test_answers_alone_make_nobody_rest() -> None:
    answer = Ack(command_id="c", entity="card", outcome="succeeded", reason="", at=7)
    assert rest_s([answer] * 100, 10_000_000) == 0


def test_a_shard_that_is_behind_rests_between_its_batches(settings: ActorSettings, alert: MakeAlert) -> None:
    rests: list[float] = []
    batches: list[int] = []

    async def scenario() -> None:
        done = asyncio.Event()

        async def perform(_index: int, items: Sequence[Item]) -> None:
            batches.append(len(items))

        async def sleep(seconds: float) -> None:
            rests.append(seconds)
            done.set()

        lanes: Lanes[str] = Lanes(
            perform, Receipts(lambda _: None), settings.model_copy(update={"shards": 1}), lambda: 400, sleep
        )
        for number in range(CROWD):
            await lanes.admit(structs.replace(alert(f"e{number}"), ingested_at=0), None)
        running = asyncio.create_task(lanes.run())
        await done.wait()
        lanes.close()
        await running

    asyncio.run(scenario())
    assert (batches, rests) == ([CROWD], [0.1])
