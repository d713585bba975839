"""A drill with servers of its own, the real parts, and every ledger that the oracle compares."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from infra.embedded.layout import servers_dir
from ingest.catalog import topic_name
from ingest.door import Door
from ingest.follower import Follower
from ingest.offsets import Where, watermarks
from ingest.producer import Producer
from pipeline import artifacts
from pipeline.bootstrap import deploy, drill_levels, drill_looks, drill_rig, feeds, schema, servers
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.configuration import load_settings
from pipeline.bootstrap.run import run_parts
from pipeline.bootstrap.stores import open_stores
from pipeline.drill import mounts, place, plan, proxy, trial, world
from pipeline.drill.faults import FAULTS
from pipeline.drill.ledger import Ledger, LedgerProducer
from pipeline.drill.levels import Level
from pipeline.drill.load import Knobs, Load
from pipeline.drill.model import artifact
from pipeline.drill.pipeline import Pipeline
from pipeline.drill.recompute import Recomputation
from pipeline.drill.rig import GiveUpFaultError, Rig, Spans, until
from pipeline.drill.tap import READ, Tap
from pipeline.drill.trial import Outcome, Stand
from pipeline.errors import StopProcessError
from pipeline.part import NAMES
from pipeline.settings import Settings
from pipeline.settings_sources import Origin
from storage.errors import StorageError
from storage.session import connect

Report = Callable[[str, str], None]

START_S = 180.0
OWN = (
    "embedded.kafka_port=19592",
    "embedded.kafka_controller_port=19593",
    "embedded.cassandra_port=19542",
    "embedded.cassandra_storage_port=17500",
    "processing.interval_s=20",
    "processing.memory=1g",
    "supervision.budget=1000",
    "supervision.window_s=20",
    "supervision.standby_after_s=20",
)
"""Settings of a drill, unless others are given: many crashes are wanted here, and none of them is the last."""

STANDBY_S = 420.0
"""How long the preparation of a standby is waited for before a trial, in seconds."""

STEADY_S = 300.0
"""How long a pipeline may need from its start until it keeps up, in seconds: Java has to warm up first."""


@dataclass(frozen=True)
class DrillOptions:
    """What to drill.

    Attributes
    ----------
    faults
        By name; all when empty.
    minutes
        No trial begins after so many; None: all are run.
    rate
        Events per second, labels included.
    state_dir
        For everything that is written; deleted at the beginning, and at the end unless `keep`.
    """

    faults: tuple[str, ...]
    seeds: Sequence[int]
    minutes: float | None
    nodes: int
    rate: float
    spans: Spans
    state_dir: Path
    keep: bool


def steps(options: DrillOptions) -> list[plan.Step]:
    """Return the plan."""
    return plan.plan(FAULTS, options.faults, options.seeds)


def drill(
    origin: Origin, options: DrillOptions, report: Report, note: Callable[[Level], None]
) -> Iterator[Outcome]:
    """Bring everything up, run one trial after the other, verify in the end, and leave nothing running.

    Parameters
    ----------
    note
        Takes the levels of processes and folders while it goes on.
    """
    todo = steps(options)
    given = _given(origin, options)
    _take_down(given, report)
    place.claim(options.state_dir)
    place.clear(options.state_dir)
    place.claim(options.state_dir)
    with ExitStack() as held:
        if not options.keep:
            held.callback(place.clear, options.state_dir)
        no_mounts = held.enter_context(_small_disks(given, options, todo))
        servers.bring_up(load_settings(given, os.environ).embedded, lambda line: report("servers", line))
        held.callback(_take_down, given, report)
        slow = held.enter_context(_in_front_of_cassandra(given, options))
        if slow is not None:
            given = _with(given, 'cassandra.contact_points=["127.0.0.1"]', f"cassandra.port={slow.port}")
        stage = held.enter_context(_stage(given, options, slow, no_mounts, report))
        with drill_levels.noted(stage.settings, note):
            yield from _trials(stage, options, todo, report)
        report("drill", "verifying everything once more, by `fastdata verify`")
        yield stage.verified()


@dataclass(frozen=True)
class _Stage:
    """Everything that runs, with the look that every trial ends with."""

    settings: Settings
    pipeline: Pipeline
    rig: Callable[[random.Random], Rig]
    stand: Stand
    load: Load
    verified: Callable[[], Outcome]


def _trials(stage: _Stage, options: DrillOptions, todo: list[plan.Step], report: Report) -> Iterator[Outcome]:
    steady = trial.recovered_after(stage.stand, STEADY_S)
    if steady is None:
        raise StopProcessError(
            f"the pipeline did not keep up with {options.rate:g} events/s within {STEADY_S:g} s of its start, before any "
            "fault: say less by --rate, or leave it more of the machine"
        )
    began = time.monotonic()
    look = stage.stand.settle_and_judge()
    told = f"before any fault; {steady:.0f} s after its start nothing waited for a second"
    yield Outcome("no fault", 0, told, recovery_s=0.0, settled=look.settled, findings=look.findings)
    for number, step in enumerate(todo, 1):
        if options.minutes is not None and time.monotonic() - began > options.minutes * 60:
            report("drill", f"{len(todo) - number + 1} trials are left out: the time is over")
            return
        if stage.load.failure:
            raise StopProcessError(f"the load failed: {stage.load.failure}") from stage.load.failure
        _await_standby(stage, report)
        report("drill", f"{number} of {len(todo)}: {step.fault}, seed {step.seed}")
        rig = stage.rig(plan.rng_of(step))
        outcome, look = trial.run(step, FAULTS[step.fault], rig, stage.stand, look)
        report("drill", f"    {outcome.told}")
        yield outcome


def _await_standby(stage: _Stage, report: Report) -> None:
    """Have a standby, as in a pipeline that has run for a while; it prepares itself without load, which makes it quicker."""
    if stage.pipeline.stands_by:
        return
    stage.load.pause()
    try:
        until(lambda: stage.pipeline.stands_by, "a standby of the query", STANDBY_S)
    except GiveUpFaultError as reason:
        report("drill", f"{reason}: it goes on without")
    finally:
        stage.load.resume()
    trial.recovered_after(stage.stand, STEADY_S)


@contextmanager
def _stage(
    given: Origin, options: DrillOptions, slow: proxy.Proxy | None, no_mounts: str | None, report: Report
) -> Iterator[_Stage]:
    settings = load_settings(given, os.environ)
    _migrate(settings)
    artifacts.keep(settings.models_dir, artifact())
    deploy.deploy(
        settings, artifact().name, None, shadow=False, stop=threading.Event(), report=lambda _: None
    )
    first = world.first_day(wall_ms())
    tokenizer, rng = feeds.tokenizer(settings), random.Random(0)  # noqa: S311 - a load that can be repeated
    ledger = Ledger(time.monotonic)
    landmark = world.landmark_ms(first)
    tap = Tap(
        settings.kafka.prefix,
        ledger,
        Recomputation(landmark, once=False),
        Recomputation(landmark, once=True),
    )
    over, knobs = threading.Event(), Knobs(options.rate)
    clocks = (options.state_dir / "clocks").absolute()
    clocks.mkdir(parents=True)
    pipeline = Pipeline(
        lambda stop, note: run_parts(
            settings,
            given,
            NAMES,
            until_idle=False,
            stop=stop,
            report=report,
            each_step=note,
            child=("pipeline.drill.turned_child", str(clocks)),
        )
    )
    with (
        connect(settings.cassandra) as session,
        open_stores(settings.cassandra) as stores,
        Producer(settings.kafka) as client,
        Follower(settings.kafka, "drill", _begin(settings), patient=False) as follower,
    ):
        producer = LedgerProducer(client, ledger)
        load = Load(
            world.events(first, 0, tokenizer),
            Door(producer, lambda: wall_ms() + knobs.shift_ms),
            knobs,
            world.some_card(tokenizer, rng),
            rng,
        )
        listener = threading.Thread(target=tap.listen, args=(follower.poll, over), daemon=True)
        looks = drill_looks.Looks(settings, session, stores.entities, ledger, tap, pipeline, load, landmark)
        listener.start()
        pipeline.start()
        try:
            until(lambda: pipeline.ready, "all parts to be ready", START_S)
            load.start()
            yield _Stage(
                settings,
                pipeline,
                lambda rng: drill_rig.rig_of(
                    settings,
                    given,
                    rng=rng,
                    load=load,
                    producer=producer,
                    oldest_s=ledger.oldest_s,
                    spans=options.spans,
                    proxy=slow,
                    clocks=clocks,
                    no_mounts=no_mounts,
                    report=report,
                ),
                looks.stand(),
                load,
                looks.verified,
            )
        finally:
            load.close()
            pipeline.stop()
            over.set()
            listener.join()


def _begin(settings: Settings) -> dict[Where, int]:
    """Return the beginning of every topic that the tap reads."""
    return {
        (topic_name(settings.kafka, topic), partition): first
        for topic in READ
        for partition, (first, _) in watermarks(settings.kafka, topic).items()
    }


def _migrate(settings: Settings) -> None:
    """Create topics and tables; three new nodes need some seconds to agree on each table."""
    attempts = Retrying(
        retry=retry_if_exception_type(StorageError),
        wait=wait_fixed(2),
        stop=stop_after_attempt(10),
        reraise=True,
    )
    attempts(schema.migrate, settings)


def _given(origin: Origin, options: DrillOptions) -> Origin:
    own = (*OWN, f"embedded.state_dir={options.state_dir}", f"embedded.nodes={options.nodes}")
    return Origin(origin.config, (*own, *origin.flags))


def _with(origin: Origin, *flags: str) -> Origin:
    return Origin(origin.config, (*origin.flags, *flags))


def _take_down(given: Origin, report: Report) -> None:
    embedded = load_settings(given, os.environ).embedded
    if place.is_own(embedded.state_dir):
        servers.take_down(embedded, lambda line: report("servers", line))


@contextmanager
def _in_front_of_cassandra(given: Origin, options: DrillOptions) -> Iterator[proxy.Proxy | None]:
    """Put the proxy in front of a single node; behind it, several would be found by the driver."""
    if options.nodes > 1:
        yield None
        return
    cassandra = load_settings(given, os.environ).cassandra
    with proxy.proxy_to(cassandra.contact_points[0], cassandra.port) as running:
        yield running


@contextmanager
def _small_disks(given: Origin, options: DrillOptions, todo: list[plan.Step]) -> Iterator[str | None]:
    """Give what shall run full a file system of its own."""
    wanted = {step.fault.removeprefix("disk-full-") for step in todo if step.fault.startswith("disk-full-")}
    settings = load_settings(given, os.environ)
    nodes = servers_dir(options.state_dir)
    folders = [settings.processing.checkpoint_dir] if "checkpoint" in wanted else []
    for kind, name in (("broker", "kafka"), ("cassandra", "cassandra")):
        if kind in wanted:
            folders += [nodes / f"{name}-{number}" / "data" for number in range(1, options.nodes + 1)]
    with mounts.mounted([folder.absolute() for folder in folders], mounts.MEGABYTES) as reason:
        yield reason
