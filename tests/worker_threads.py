"""Workers, and a gateway, as threads of a test's process; and what tests of them send and count."""

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.bridges.simulated import SimulatedDevices
from actors.gateway import Gateway, run_gateway
from actors.ledger_file import open_ledger
from actors.settings import ActorSettings, GatewaySettings
from actors.worker import run_worker
from ingest.consumer import Consumer
from ingest.ports import Record
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from models.errors import RejectEventError
from models.policies.policies import Policies
from models.scores import Score, encode
from pipeline.bootstrap.clocks import wall_ms
from storage.entities import EntityStore

PATIENCE_S = 60
COMMIT_S = 0.1


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s until {what}"
        time.sleep(0.02)


class Workers:
    """Workers as threads of this process; whatever ends one is raised when it is stopped."""

    def __init__(self, kafka: KafkaSettings, settings: ActorSettings, policies: Policies) -> None:
        self.kafka, self.settings, self.policies = kafka, settings, policies
        self.rejected: list[tuple[str, str]] = []
        self._running: list[tuple[threading.Thread, threading.Event]] = []
        self._errors: list[BaseException] = []

    def start(self, store: Any) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(store, stop))
        self._running.append((thread, stop))
        thread.start()

    @property
    def any_alive(self) -> bool:
        return any(thread.is_alive() for thread, _ in self._running)

    def stop_one(self) -> None:
        thread, stop = self._running.pop(0)
        stop.set()
        thread.join(PATIENCE_S)
        if thread.is_alive():
            faulthandler.dump_traceback(all_threads=True)
        assert not thread.is_alive()
        if self._errors:
            raise self._errors.pop()

    def stop_all(self) -> None:
        for _, stop in self._running:
            stop.set()
        while self._running:
            self.stop_one()

    def _run(self, store: EntityStore, stop: threading.Event) -> None:
        try:
            with Producer(self.kafka) as producer:
                run_worker(
                    self.kafka,
                    store,
                    producer,
                    self.settings,
                    stop,
                    policies=self.policies,
                    reject=self._reject,
                    clock=wall_ms,
                )
        except BaseException as error:  # noqa: BLE001 - raised again by stop_one
            self._errors.append(error)

    def _reject(self, record: Record, error: RejectEventError) -> None:
        self.rejected.append((record.position, error.reason))


@contextmanager
def gateway(kafka: KafkaSettings, path: Path) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        settings = GatewaySettings(refuse_probability=0.3, seed=1, poll_s=0.05)
        with (
            open_ledger(path) as ledger,
            Producer(kafka) as out,
            Consumer(kafka, "gateway", ["commands"]) as inp,
        ):
            simulated = Gateway(ledger, SimulatedDevices(settings, wall_ms), wall_ms, grace_ms=0)
            run_gateway(inp, out, simulated, settings, stop, reject=refuse_nothing)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join(PATIENCE_S)


def refuse_nothing(record: Record, error: RejectEventError) -> None:
    raise AssertionError(f"{record.position}: {error}")


def send(kafka: KafkaSettings, *alerts: Score) -> None:
    with Producer(kafka) as producer:
        for score in alerts:
            producer.send("alerts", score.entity, encode(score))


def taken(store: EntityStore) -> int:
    return sum(len(store.load(entity).alerts) for entity in store.entities())
