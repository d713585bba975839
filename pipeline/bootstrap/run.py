"""A real run: `pipeline.child` of the release in service for each part, the real servers, the real lags."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from infra import embedded
from pipeline import lifecycle, roster, running
from pipeline.bootstrap import lags, servers
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.models import places
from pipeline.children import LogLimits, Spec, Supervisor
from pipeline.drain import Look
from pipeline.part import NAMES, WITH_STANDBY
from pipeline.releases import identity
from pipeline.releases.changing import Changing
from pipeline.releases.standing import Release
from pipeline.running import Watched, Watcher
from pipeline.settings import Settings
from pipeline.settings_sources import Origin
from pipeline.supervision import Phase, Policy

Report = Callable[[str, str], None]


def run_parts(
    settings: Settings,
    origin: Origin,
    parts: Sequence[str],
    *,
    until_idle: bool,
    stop: threading.Event,
    report: Report,
    each_step: Callable[[Mapping[str, Phase]], None] = lambda _: None,
    child: Sequence[str] = ("pipeline.child",),
) -> None:
    """Run parts as children until stopped, or drained if asked.

    Parameters
    ----------
    child
        The module that is a part's process, and what it takes before the part's name.

    Raises
    ------
    RefuseUsageError
        When another run owns this namespace, or nothing is deployed in it.
    StopProcessError
        When a part can't go on.
    """
    if "query" in parts:
        lifecycle.deployed(places(settings))
    spec_of = partial(_spec, settings, child, until_idle=until_idle)

    def specs_of(release: Release, its: Sequence[str]) -> Mapping[str, Spec]:
        wanted = its if set(parts) == set(NAMES) else [part for part in its if part in parts]
        return {part: spec_of(release, part) for part in wanted}

    with roster.owned(settings.run_dir):
        children = _supervisor(settings, origin, [spec_of(identity.own(), part) for part in parts], report)

        def look() -> Look:
            return lags.look(settings, query_done=children.phases.get("query", Phase.DONE) is Phase.DONE)

        watched = Watched(
            every_s=1.0 if until_idle else settings.supervision.servers_check_s,
            keep_servers=keep_servers(settings, report),
            look=look if until_idle else None,
        )
        step = each_step if until_idle else _changing(settings, children, specs_of, report, each_step)
        with Watcher(watched) as watcher:
            running.run(children, watcher, stop, step)


def _changing(
    settings: Settings,
    children: Supervisor,
    specs_of: Callable[[Release, Sequence[str]], Mapping[str, Spec]],
    report: Report,
    each_step: Callable[[Mapping[str, Phase]], None],
) -> Callable[[Mapping[str, Phase]], None]:
    """Return what to do at every step of a run that may get another release."""
    changing = Changing(
        run_dir=settings.run_dir,
        supervisor=children,
        own=identity.own(),
        specs_of=specs_of,
        clock=time.monotonic,
        wall_ms=wall_ms,
        settle_s=settings.supervision.settle_s,
        report=report,
    )

    def step(phases: Mapping[str, Phase]) -> None:
        changing.step()
        each_step(phases)

    return step


def _supervisor(settings: Settings, origin: Origin, specs: Sequence[Spec], report: Report) -> Supervisor:
    given = settings.supervision
    record = settings.run_dir / roster.RECORD
    roster.end_orphans(record, given.grace_s, lambda line: report("run", line))
    return Supervisor(
        specs,
        Policy(
            first_delay_s=given.first_delay_s,
            max_delay_s=given.max_delay_s,
            budget=given.budget,
            window_s=given.window_s,
            ready_timeout_s=given.ready_timeout_s,
            grace_s=given.grace_s,
        ),
        LogLimits(given.log_bytes, given.logs_kept),
        environment=origin.environment(os.environ),
        record=record,
        clock=time.monotonic,
        report=report,
    )


def _spec(settings: Settings, child: Sequence[str], release: Release, part: str, *, until_idle: bool) -> Spec:
    finishes = until_idle and part == "query"
    given = settings.supervision
    stands_by = given.standby and not until_idle and part in WITH_STANDBY
    flags = ("--until-idle",) if finishes else ()
    return Spec(
        name=part,
        command=(release.python, "-P", "-m", *child, part, *flags),
        log=settings.run_dir / "logs" / f"{part}.log",
        finishes=finishes,
        standby_after_s=given.standby_after_s if stands_by else None,
    )


def keep_servers(settings: Settings, report: Report) -> Callable[[], None]:
    """Return a function that starts dead embedded servers again; it does nothing where others are used."""
    if not servers.are_used(settings):
        return lambda: None

    def keep() -> None:
        gone = [name for name, pid in embedded.pids(settings.embedded).items() if pid is None]
        if gone:
            report("servers", f"{', '.join(gone)} died, starting again")
            servers.bring_up(settings.embedded, lambda line: report("servers", line))

    return keep
