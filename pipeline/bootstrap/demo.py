"""The demo with real servers, a real model and real parts; `pipeline.demo` holds what is pure about it."""

import math
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from ingest.consumer import Consumer
from ingest.errors import RetryLaterError
from ingest.handbook.settings import HandbookSettings
from ingest.reports import FeedReport
from ingest.simulate import SURELY_SENT, SimulationOptions, default_first_day, history
from models.fraud import FRAUD
from pipeline import artifacts, deployments
from pipeline.bootstrap import checks, deploy, feeds, lags, schema, servers, training
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.configuration import load_settings
from pipeline.bootstrap.run import run_parts
from pipeline.demo import show as shows
from pipeline.demo.show import Show, Stage
from pipeline.demo.taps import TAPPED, Tap
from pipeline.demo.view import Picture, View
from pipeline.part import NAMES
from pipeline.reconcile import Reconciliation
from pipeline.settings import Settings
from pipeline.settings_sources import Origin
from pipeline.supervision import Phase

LOOK_EVERY_S = 1.0
PATIENCE_S = 120.0


@dataclass(frozen=True)
class DemoOptions:
    """What to show.

    Attributes
    ----------
    minutes
        How long events come.
    rate
        Events per second, labels included.
    training_days
        Days of history to train on when there is no model.
    warm_up_s
        Shortest time from the first event in which latencies are not counted, in seconds.
    keep
        Leave the servers running.
    """

    minutes: float
    rate: float
    training_days: int
    warm_up_s: float
    keep: bool

    @property
    def events(self) -> int:
        """How many events the source sends."""
        return max(1, round(self.minutes * 60 * self.rate))


@dataclass(frozen=True)
class Result:
    """How it went.

    Attributes
    ----------
    warm_up_s
        Seconds of playing before latencies counted; None when they never did.
    """

    settings: Settings
    picture: Picture
    warm_up_s: float | None
    reconciliation: Reconciliation


Draw = Callable[[Stage, Picture], None]


def play(
    origin: Origin,
    options: DemoOptions,
    *,
    report: Callable[[str, str], None],
    draw: Draw,
    stop_asked: Callable[[], threading.Event],
) -> Result:
    """Bring everything up, play for so many minutes, settle, verify, and leave nothing running unless asked.

    Parameters
    ----------
    report
        Takes (who, one line of progress).
    draw
        Takes the view a few times a second.
    stop_asked
        Called when the playing begins; gives what ends it early. Before, an interrupt just ends the demo.
    """
    with _servers(load_settings(origin, os.environ), report, keep=options.keep):
        settings = load_settings(origin, os.environ)
        topics, _ = schema.migrate(settings)
        report("migrate", f"{len(topics)} topics created, tables are there")
        world = HandbookSettings()
        source = SimulationOptions(process=world, events_per_s=options.rate, limit=options.events)
        first_day = default_first_day(source, wall_ms())
        _model_if_needed(settings, world, first_day, options, report)
        frauds = _frauds(settings, source, first_day)
        view = View({FRAUD.name: "transaction"}, lambda alert: alert.event_id in frauds, random.Random(0))  # noqa: S311 - a sample
        tap = Tap(view, settings.kafka.prefix)
        source = source.model_copy(update={"first_day": first_day})
        playing = _Playing(settings, origin, options, source, tap, report, draw, stop_asked())
        playing.run()
        return Result(settings, tap.picture(wall_ms()), playing.warm_up_took_s, checks.reconcile(settings))


@contextmanager
def _servers(settings: Settings, report: Callable[[str, str], None], *, keep: bool) -> Iterator[None]:
    def tell(line: str) -> None:
        report("servers", line)

    if not servers.are_used(settings):
        report("servers", f"those that the settings name: {settings.kafka.bootstrap_servers}")
        yield
        return
    ran_before = any(node.pid for node in servers.look(settings.embedded).nodes)
    servers.bring_up(settings.embedded, tell)
    try:
        yield
    finally:
        if not (keep or ran_before):
            servers.take_down(settings.embedded, tell)


def _model_if_needed(
    settings: Settings,
    world: HandbookSettings,
    first_day: date,
    options: DemoOptions,
    report: Callable[[str, str], None],
) -> None:
    """Have the fraud model deployed: its newest version, trained now if there is none."""
    if deployments.deployed(settings.run_dir):
        return
    if not artifacts.versions(settings.models_dir, FRAUD.name):
        days = options.training_days
        training.train_model(
            settings,
            FRAUD,
            world,
            first_day=first_day - timedelta(days=days),
            days=days,
            report=lambda line: report("train", line),
        )
    deployed = deploy.deploy(
        settings,
        FRAUD.name,
        None,
        shadow=False,
        stop=threading.Event(),
        report=lambda line: report("deploy", line),
    )
    report("deploy", f"{deployed.model} {deployed.champion} acts")


def _frauds(settings: Settings, source: SimulationOptions, first_day: date) -> frozenset[str]:
    days = math.ceil((source.limit or 0) / source.process.transactions_per_day / SURELY_SENT)
    table = history(source.process, first_day=first_day, days=days, tokenizer=feeds.tokenizer(settings))
    return frozenset(table.filter(table["fraud"])["id"].to_pylist())


@dataclass
class _Playing:
    """One show: threads that feed and listen, beside the children that the main thread looks after."""

    settings: Settings
    origin: Origin
    options: DemoOptions
    source: SimulationOptions
    tap: Tap
    report: Callable[[str, str], None]
    draw: Draw
    asked: threading.Event
    over: threading.Event = field(default_factory=threading.Event)
    feed_ended: threading.Event = field(default_factory=threading.Event)
    looked_at: float = 0.0
    warm_up_took_s: float | None = None
    show: Show = field(init=False)

    def __post_init__(self) -> None:
        """Begin before the first act."""
        self.show = Show(PATIENCE_S, self.options.warm_up_s, self.options.rate)

    def run(self) -> None:
        """Play until over."""
        with Consumer(self.settings.kafka, "demo-view", list(TAPPED)) as consumer:
            listener = threading.Thread(target=self.tap.listen, args=(consumer, self.over), daemon=True)
            listener.start()
            try:
                run_parts(
                    self.settings,
                    self.origin,
                    NAMES,
                    until_idle=False,
                    stop=self.over,
                    report=self.report,
                    each_step=self.step,
                )
            finally:
                self.over.set()
                listener.join()

    def step(self, phases: Mapping[str, Phase]) -> None:
        """Move the show on."""
        now, picture = time.monotonic(), self.tap.picture(wall_ms())
        if self.show.stage is Stage.STARTING:
            self._begin(phases, now)
        elif self.show.stage is Stage.PLAYING:
            self._go_on(picture, now)
        elif self.show.stage is Stage.SETTLING and now - self.looked_at > LOOK_EVERY_S:
            self._look(picture, now)
        if self.show.stage is Stage.OVER:
            self.over.set()
        self.draw(self.show.stage, picture)

    def _begin(self, phases: Mapping[str, Phase], now: float) -> None:
        self.show = shows.started(self.show, phases, now)
        if self.asked.is_set():
            self.over.set()
        elif self.show.stage is Stage.PLAYING:
            threading.Thread(target=self._feed, daemon=True).start()

    def _go_on(self, picture: Picture, now: float) -> None:
        if not self.show.warm:
            self.show = shows.warmed(self.show, picture.lag, now)
            if self.show.warm:
                self.warm_up_took_s = now - self.show.began
                self.tap.measure_from(wall_ms())
        if self.feed_ended.is_set():
            self.show = shows.played(self.show, now)

    def _look(self, picture: Picture, now: float) -> None:
        self.looked_at = now
        try:
            look = lags.look(self.settings, query_done=picture.lag == 0)
        except RetryLaterError as error:
            self.report("demo", str(error))
            return
        self.show = shows.looked(self.show, look, now)

    def _feed(self) -> None:
        try:
            ended: FeedReport = feeds.simulate(
                self.settings, self.source, self.asked, lambda _: None, self._accepted
            )
            self.report("source", f"{ended.end}: {ended.sent:,} events sent")
        finally:
            self.feed_ended.set()

    def _accepted(self, by_type: Mapping[str, int]) -> None:
        self.tap.accept(by_type)
