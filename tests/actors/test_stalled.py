"""A worker that reads nothing while messages wait ends, so that a new one reads on; a quiet one does not."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from worker_threads import Workers, send, taken, wait_until

from actors.errors import StopProcessError
from actors.stalled import messages_wait, watch
from actors.transport import Consumer
from ingest.catalog import topic_name
from ingest.settings import KafkaSettings
from ingest.stall import Stall
from models.scores import Score
from storage.memory import MemoryEntityStore

STALL_S = 0.02


def test_messages_that_wait_in_two_looks_end_the_watch() -> None:
    looks = iter([True, False, True, True])
    with pytest.raises(StopProcessError, match=r"nothing was read for 0.04 s while messages wait"):
        asyncio.run(watch(Stall(STALL_S), lambda: next(looks), every_s=0.001))
    assert list(looks) == []


def test_the_watch_of_a_busy_worker_does_not_look() -> None:
    stall, looks = Stall(STALL_S), list[None]()

    def look() -> bool:
        looks.append(None)
        return True

    async def busy() -> None:
        watching = asyncio.create_task(watch(stall, look, every_s=0.001))
        for now in range(50):
            stall.heard(1e12 + now)  # later than any time of this machine
            await asyncio.sleep(0.002)
        watching.cancel()

    asyncio.run(busy())
    assert looks == []


@pytest.mark.kafka
def test_what_waits_is_seen_in_own_partitions_and_by_one_that_should_have_some(
    kafka: KafkaSettings, alert: Callable[..., Score], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(kafka, alert("e1", entity="card"))
    own = {(topic_name(kafka, "alerts"), partition) for partition in range(4)}
    assert messages_wait(kafka, "actors", ["alerts", "acks"], own)
    assert not messages_wait(kafka, "actors", ["acks"], own)
    assert messages_wait(kafka, "actors", ["alerts"], set()), "the group does not know it, nor anybody else"
    assert not messages_wait(kafka, "actors", ["acks"], set())
    with monkeypatch.context() as patched:
        patched.setattr("actors.stalled.group_members", lambda *_: 99)
        assert not messages_wait(kafka, "actors", ["alerts"], set()), "the others have all partitions"
    away = KafkaSettings(bootstrap_servers="127.0.0.1:1", request_timeout_ms=100)
    assert not messages_wait(away, "actors", ["alerts"], own)


@pytest.mark.kafka
def test_a_worker_whose_client_has_fallen_silent_ends(
    kafka: KafkaSettings,
    workers: Workers,
    store: MemoryEntityStore,
    alert: Callable[..., Score],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = threading.Event()

    async def nothing(*_: Any, **__: Any) -> dict[Any, Any]:
        silent.set()
        await asyncio.sleep(0.05)
        return {}

    workers.settings = workers.settings.model_copy(update={"stall_s": 0.5})
    workers.start(store)
    send(kafka, alert("e1", entity="card"))
    wait_until(lambda: taken(store) == 1, "the worker reads")
    with monkeypatch.context() as patched:
        patched.setattr(Consumer, "_getmany", nothing)
        wait_until(silent.is_set, "the client has fallen silent")
        send(kafka, alert("e2", entity="card"))
        wait_until(lambda: not workers.any_alive, "the worker has ended")
        with pytest.raises(StopProcessError, match="while messages wait"):
            workers.stop_one()
    assert taken(store) == 1
    workers.start(store)
    wait_until(lambda: taken(store) == 2, "a new worker reads on")
