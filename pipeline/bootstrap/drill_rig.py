"""What faults lay hands on, for real: processes by their records, Kafka's leaders, groups, one more child of a part."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from infra import embedded
from infra.embedded.layout import servers_dir
from ingest.admin import leader
from ingest.errors import RetryLaterError
from ingest.group_offsets import rewind_all
from pipeline import roster
from pipeline.bootstrap import deploy, servers
from pipeline.drill.ledger import LedgerProducer
from pipeline.drill.load import Load
from pipeline.drill.model import artifact
from pipeline.drill.proxy import Proxy
from pipeline.drill.rig import Rig, Spans, until
from pipeline.drill.turned_child import turn
from pipeline.settings import Settings
from pipeline.settings_sources import Origin

Report = Callable[[str, str], None]


def rig_of(
    settings: Settings,
    origin: Origin,
    *,
    rng: random.Random,
    load: Load,
    producer: LedgerProducer,
    oldest_s: Callable[[], float],
    spans: Spans,
    proxy: Proxy | None,
    clocks: Path,
    no_mounts: str | None,
    report: Report,
) -> Rig:
    """Return the rig of one trial."""
    data, tell = servers_dir(settings.embedded.state_dir), partial(report, "servers")
    return Rig(
        rng=rng,
        spans=spans,
        nodes=settings.embedded.nodes,
        load=load,
        producer=producer,
        proxy=proxy,
        parts=lambda: roster.orphans(settings.run_dir / roster.RECORD),
        servers=partial(servers_of, settings),
        leader=partial(_leader, settings),
        controller=partial(_controller, settings),
        joined=partial(_joined, settings, origin),
        rewind=lambda part: rewind_all(settings.kafka, _group(settings, part)),
        deploy=partial(_deploy, settings),
        restart_servers=lambda: servers.bring_up(settings.embedded, tell),
        roll_servers=lambda: servers.restart(settings.embedded, tell),
        oldest_s=oldest_s,
        interval_s=settings.processing.interval_s,
        checkpoint=settings.processing.checkpoint_dir,
        models=settings.models_dir,
        data=lambda name: data / name / "data",
        turn_clock=partial(turn, clocks),
        no_mounts=no_mounts,
    )


def servers_of(settings: Settings) -> Mapping[str, int]:
    """Return the processes of the embedded servers that run, by node."""
    return {name: pid for name, pid in embedded.pids(settings.embedded).items() if pid is not None}


def _leader(settings: Settings) -> str:
    found: list[int] = []

    def asked() -> bool:
        try:
            found.append(leader(settings.kafka, "transactions"))
        except RetryLaterError:
            return False
        return found[-1] > 0

    until(asked, "the transactions to have a leader")
    return f"kafka-{found[-1]}"


def _controller(settings: Settings) -> str:
    """Return the leader of the latest epoch that any controller has written down."""
    files = servers_dir(settings.embedded.state_dir).glob("kafka-*/data/__cluster_metadata-0/quorum-state")
    states = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    latest = max(states, key=lambda state: (state["leaderEpoch"], state["leaderId"]))
    return f"kafka-{latest['leaderId']}"


def _group(settings: Settings, part: str) -> str:
    known = {
        "writer": settings.writer.group,
        "actors": settings.actors.group,
        "gateway": settings.gateway.group,
        "notifier": settings.notifier.group,
    }
    return known[part]


def _deploy(settings: Settings, version: str) -> None:
    deploy.deploy(
        settings, artifact().name, version, shadow=True, stop=threading.Event(), report=lambda _: None
    )


@contextmanager
def _joined(settings: Settings, origin: Origin, part: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one more process of a part, as the supervisor starts them; it ends with the block."""
    reader, writer = os.pipe()
    log = settings.run_dir / "logs" / f"{part}-joined.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.child", part, "--status-fd", str(writer)],
            env=origin.environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
        )
    os.close(writer)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(settings.supervision.grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()
        os.close(reader)
