"""The demo with real servers, a real model and real parts; `pipeline.demo` holds what is pure about it."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ingest.consumer import Consumer
from ingest.errors import RetryLaterError
from ingest.reports import FeedReport
from models.fleet import PUMP_ANOMALY
from models.fraud import FRAUD
from pipeline.bootstrap import checks, feeds, fleets, lags, schema, servers
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.configuration import load_settings
from pipeline.bootstrap.demo_worlds import (
    DemoOptions,
    WorldTruth,
    cards_of,
    deploy_models,
    frauds_of,
    plant_of,
)
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
HELD_S = 0.1
PATIENCE_S = 120.0

OnAccepted = Callable[[Mapping[str, int]], None]
Source = Callable[[threading.Event, OnAccepted], FeedReport]


@dataclass(frozen=True)
class Result:
    """How it went.

    Attributes
    ----------
    warm_up_s
        Seconds of playing before latencies counted; None when they never did.
    held_s
        Seconds that the sources waited because the query had a second's events before it.
    """

    settings: Settings
    picture: Picture
    warm_up_s: float | None
    held_s: float
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
        cards, plant = cards_of(options), plant_of(options)
        deploy_models(settings, cards, plant, options, report)
        truth = WorldTruth(frauds_of(settings, cards), plant.fleet)
        models = {FRAUD.name: "transaction", PUMP_ANOMALY.name: "reading"}
        tap = Tap(View(models, truth, random.Random(0)), settings.kafka.prefix)  # noqa: S311 - a sample
        sources: tuple[Source, ...] = (
            lambda stop, accept: feeds.simulate(settings, cards, stop, lambda _: None, accept),
            lambda stop, accept: fleets.live(
                settings,
                plant.options,
                plant.fleet,
                stop,
                on_progress=lambda _: None,
                on_truth=truth.over.append,
                on_accepted=accept,
            ),
        )
        playing = _Playing(settings, origin, options, sources, tap, report, draw, stop_asked())
        playing.run()
        return Result(
            settings,
            tap.picture(wall_ms()),
            playing.warm_up_took_s,
            max(playing.held_s.values(), default=0.0),
            checks.reconcile(settings),
        )


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


@dataclass
class _Playing:
    """One show: threads that feed and listen, beside the children that the main thread looks after."""

    settings: Settings
    origin: Origin
    options: DemoOptions
    sources: tuple[Source, ...]
    tap: Tap
    report: Callable[[str, str], None]
    draw: Draw
    asked: threading.Event
    enough: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    feeding: list[threading.Thread] = field(default_factory=list)
    held_s: dict[int, float] = field(default_factory=dict)
    lag: int = 0
    looked_at: float = 0.0
    warm_up_took_s: float | None = None
    show: Show = field(init=False)

    def __post_init__(self) -> None:
        """Begin before the first act."""
        options = self.options
        rate = options.rate + options.readings_rate
        self.show = Show(PATIENCE_S, options.minutes * 60, options.warm_up_s, rate)

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
                self.enough.set()
                self.over.set()
                listener.join()

    def step(self, phases: Mapping[str, Phase]) -> None:
        """Move the show on."""
        now, picture = time.monotonic(), self.tap.picture(wall_ms())
        self.lag = picture.lag
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
            self.feeding = [
                threading.Thread(target=self._feed, args=(source,), daemon=True) for source in self.sources
            ]
            for thread in self.feeding:
                thread.start()

    def _go_on(self, picture: Picture, now: float) -> None:
        if all(model.scored for model in picture.models):
            self.show = shows.scoring(self.show, now)
        if self.asked.is_set() or shows.is_enough(self.show, now):
            self.enough.set()
        if not self.show.warm:
            self.show = shows.warmed(self.show, picture.lag, now)
            if self.show.warm:
                self.warm_up_took_s = now - self.show.began
                self.tap.measure_from(wall_ms())
        if not any(thread.is_alive() for thread in self.feeding):
            self.show = shows.played(self.show, now)

    def _look(self, picture: Picture, now: float) -> None:
        self.looked_at = now
        try:
            look = lags.look(self.settings, query_done=picture.lag == 0)
        except RetryLaterError as error:
            self.report("demo", str(error))
            return
        self.show = shows.looked(self.show, look, picture.lag, now)

    def _feed(self, source: Source) -> None:
        ended = source(self.enough, self._accept)
        self.report("source", f"{ended.end}: {ended.sent:,} events sent")

    def _accept(self, by_type: Mapping[str, int]) -> None:
        """Count what a source has sent, and have it wait while that is more than the query takes."""
        self.tap.accept(by_type)
        came = time.monotonic()
        while shows.holds(self.show, self.lag) and not self.enough.wait(HELD_S):
            pass
        me = threading.get_ident()
        self.held_s[me] = self.held_s.get(me, 0.0) + time.monotonic() - came
