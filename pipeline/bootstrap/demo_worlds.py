"""The worlds that the demo shows, cards and machines: what is simulated, what is true in it, and the models for it."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ingest.fleet.chances import MS_PER_HOUR
from ingest.fleet.fleet import Fleet
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import readings
from ingest.fleet.truth import Truth
from ingest.handbook.settings import HandbookSettings
from ingest.simulate import SURELY_SENT, SimulationOptions, default_first_day, history
from ingest.simulate_readings import ReadingOptions, fleet_of
from models.fleet import PUMP_ANOMALY
from models.fraud import FRAUD
from models.scores import Score
from models.spec import ModelSpec
from pipeline import artifacts, deployments
from pipeline.bootstrap import deploy, feeds, training
from pipeline.bootstrap.clocks import wall_ms
from pipeline.settings import Settings

FAILING: Final = FleetSettings(machines=40, faults_per_machine_day=2.0, fault_hours=3.0)
"""Machines that fail often, so that some do in the few hours that are shown."""

HEALTHY_HOURS: Final = 30
"""So long were the same machines healthy before, for the model to learn what is usual."""

REPAIRED_MS: Final = 2 * MS_PER_HOUR


@dataclass(frozen=True)
class DemoOptions:
    """What to show.

    Attributes
    ----------
    minutes
        How long events come.
    rate
        Card events per second, labels included.
    readings_rate
        Readings per second; event time of machines runs as fast as that makes it.
    training_days
        Days of history to train on when there is no model.
    warm_up_s
        Shortest time from the first event in which latencies are not counted, in seconds.
    keep
        Leave the servers running.
    """

    minutes: float
    rate: float
    readings_rate: float
    training_days: int
    warm_up_s: float
    keep: bool

    @property
    def events(self) -> int:
        """How many card events come."""
        return max(1, round(self.minutes * 60 * self.rate))

    @property
    def readings(self) -> int:
        """How many readings come."""
        return max(1, round(self.minutes * 60 * self.readings_rate))


@dataclass(frozen=True)
class Plant:
    """The machines that are shown, and how they live."""

    options: ReadingOptions
    fleet: Fleet


@dataclass
class WorldTruth:
    """What is wrong in the simulated worlds: frauds by event, machines by the time of their faults."""

    frauds: frozenset[str]
    fleet: Fleet
    over: list[Truth] = field(default_factory=list)

    def __call__(self, alert: Score) -> bool:
        """Whether an alert is right; a machine that has just been repaired still looks like one with a fault."""
        if alert.model == FRAUD.name:
            return alert.event_id in self.frauds
        known = [*self.over, *self.fleet.open_truths()]
        return any(t.machine == alert.entity and _ails(t, alert.event_time) for t in known)


def _ails(truth: Truth, now: int) -> bool:
    end = math.inf if truth.end is None else truth.end + REPAIRED_MS
    return truth.what == "fault" and truth.onset <= now < end


def cards_of(options: DemoOptions) -> SimulationOptions:
    """Return the card events that are shown, all of them in the past."""
    source = SimulationOptions(process=HandbookSettings(), events_per_s=options.rate, limit=options.events)
    return source.model_copy(update={"first_day": default_first_day(source, wall_ms())})


def plant_of(options: DemoOptions) -> Plant:
    """Return the machines that are shown, their time in the past as well."""
    asked = ReadingOptions(fleet=FAILING, events_per_s=options.readings_rate, limit=options.readings)
    return Plant(asked, fleet_of(asked, wall_ms()))


def deploy_models(
    settings: Settings,
    cards: SimulationOptions,
    plant: Plant,
    options: DemoOptions,
    report: Callable[[str, str], None],
) -> None:
    """Have both models deployed: their newest versions, trained now on the days before if there are none."""
    deployed = deployments.deployed(settings.run_dir)
    for spec in (FRAUD, PUMP_ANOMALY):
        if spec.name in deployed:
            continue
        if not artifacts.versions(settings.models_dir, spec.name):
            _train(
                settings,
                spec,
                cards,
                plant,
                days=options.training_days,
                report=lambda line: report("train", line),
            )
        acting = deploy.deploy(
            settings,
            spec.name,
            None,
            shadow=False,
            stop=threading.Event(),
            report=lambda line: report("deploy", line),
        )
        report("deploy", f"{acting.model} {acting.champion} acts")


def _train(
    settings: Settings,
    spec: ModelSpec,
    cards: SimulationOptions,
    plant: Plant,
    *,
    days: int,
    report: Callable[[str], None],
) -> None:
    if spec is FRAUD:
        assert cards.first_day is not None
        begin = cards.first_day - timedelta(days=days)
        training.train_model(settings, spec, cards.process, first_day=begin, days=days, report=report)
        return
    quiet = FAILING.model_copy(update={"faults_per_machine_day": 0.0, "sensor_faults_per_machine_day": 0.0})
    before = Fleet(quiet, plant.fleet.start - HEALTHY_HOURS * MS_PER_HOUR)
    ticks = round(HEALTHY_HOURS * 3_600 / quiet.every_s)
    training.train_on_events(settings, spec, readings(before, ticks, tuple, lambda _: None), report)


def frauds_of(settings: Settings, source: SimulationOptions) -> frozenset[str]:
    """Return the ids of the transactions that are fraud in the simulated world."""
    assert source.first_day is not None
    days = math.ceil((source.limit or 0) / source.process.transactions_per_day / SURELY_SENT)
    table = history(
        source.process, first_day=source.first_day, days=days, tokenizer=feeds.tokenizer(settings)
    )
    return frozenset(table.filter(table["fraud"])["id"].to_pylist())
