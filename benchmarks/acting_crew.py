"""The workers and the gateway of the benchmark of acting, as processes that may be killed."""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, Self

import psutil

from actors.bridges.simulated import SimulatedDevices
from actors.gateway import Gateway, run_gateway
from actors.ledger_file import open_ledger
from actors.settings import ActorSettings, GatewaySettings
from actors.worker import run_worker
from benchmarks.acting_costs import CountingSession, Cpu
from ingest.consumer import Consumer
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from models.policies.policies import BUILT_IN, Policies, parse
from pipeline import garbage
from storage.entity_store import CassandraEntityStore
from storage.session import connect
from storage.settings import CassandraSettings

FLOOD_S: Final = 20
"""So long too many alarms make a flood: longer than they are sent, so that it lasts when the last has been."""


class Crew:
    """The workers and the gateway, as processes."""

    def __init__(
        self,
        kafka: KafkaSettings,
        cassandra: CassandraSettings,
        scratch: Path,
        options: argparse.Namespace,
        cpu: Cpu,
    ) -> None:
        self.ledger = scratch / "ledger.sqlite"
        self.counts = scratch / "counts"
        self.counts.mkdir()
        self.cpu = cpu
        self.kills = 0
        self._context = multiprocessing.get_context("spawn")
        self._worker = (kafka, cassandra, scratch, options.shards, options.batch)
        self._gateway = self._context.Process(target=_gateway, args=(kafka, self.ledger), daemon=True)
        self._wanted = options.workers
        self.workers: list[BaseProcess] = []

    def __enter__(self) -> Self:
        self._gateway.start()
        assert self._gateway.pid is not None
        self.cpu.watch("gateway", self._gateway.pid, from_birth=True)
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self._gateway):
            process.kill()
            process.join()

    def go(self) -> float:
        """Start the workers that are wanted; return when."""
        while len(self.workers) < self._wanted:
            process = self._context.Process(target=_work, args=self._worker, daemon=True)
            process.start()
            assert process.pid is not None
            self.cpu.watch("workers", process.pid, from_birth=True)
            self.workers.append(process)
        return time.monotonic()

    def killing(self, every_s: float) -> threading.Event:
        """Kill one worker without warning every so many seconds, and start another, until the event is set."""
        over = threading.Event()
        threading.Thread(target=self._kill, args=(every_s, over), daemon=True).start()
        return over

    def memory_mb(self) -> float:
        """Return the resident memory of the largest worker in MiB."""
        return max((_memory(process) for process in self.workers), default=0.0)

    def _kill(self, every_s: float, over: threading.Event) -> None:
        chance = random.Random(0)
        while not over.wait(every_s):
            victim = self.workers.pop(chance.randrange(len(self.workers)))
            assert victim.pid is not None
            os.kill(victim.pid, signal.SIGKILL)
            victim.join()
            self.kills += 1
            self.go()


def policies() -> Policies:
    """Return the built-in policies with a flood that is over soon."""
    rule = f'[alarms.default]\nflood = {{ more_than = 10, calm_below = 5, within = "{FLOOD_S}s" }}\n'
    return parse(BUILT_IN.read_text(encoding="utf-8") + rule, str(BUILT_IN))


def _work(kafka: KafkaSettings, cassandra: CassandraSettings, scratch: Path, shards: int, batch: int) -> None:
    settings = ActorSettings(
        shards=shards,
        batch=batch,
        session_timeout_s=6,
        heartbeat_s=1,
        state_dir=scratch / f"faust-{os.getpid()}",
    )
    garbage.collect_rarely()
    with connect(cassandra) as session, Producer(kafka) as producer:
        run_worker(
            kafka,
            CassandraEntityStore(
                CountingSession(session, scratch / "counts" / f"{os.getpid()}.json"), cassandra, now_ms
            ),
            producer,
            settings,
            threading.Event(),
            policies=policies(),
            reject=lambda _record, error: sys.exit(str(error)),
            clock=now_ms,
        )


def _gateway(kafka: KafkaSettings, path: Path) -> None:
    settings = GatewaySettings(ledger=path)
    garbage.collect_rarely()
    with (
        open_ledger(path) as ledger,
        Producer(kafka) as producer,
        Consumer(kafka, "gateway", ["commands"]) as consumer,
    ):
        run_gateway(
            consumer,
            producer,
            Gateway(ledger, SimulatedDevices(settings, now_ms), now_ms, 1_000),
            settings,
            threading.Event(),
            reject=lambda _record, error: sys.exit(str(error)),
        )


def _memory(process: BaseProcess) -> float:
    try:
        return psutil.Process(process.pid).memory_info().rss / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def now_ms() -> int:
    """Return milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
