"""`upgrade` and `rollback`: checks first, then tables, then state, then the change itself; each may be run again."""

import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from models.serving import Serving
from pipeline import deployments, lifecycle, roster, runs
from pipeline.bootstrap import release, schema
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.lags import refuse_running
from pipeline.bootstrap.models import places
from pipeline.errors import FailCheckError, RefuseUsageError, StopProcessError
from pipeline.releases import compatibility, environments, identity
from pipeline.releases import standing as files
from pipeline.releases.asking import Other
from pipeline.releases.compatibility import Decision
from pipeline.releases.description import Description, Query
from pipeline.releases.standing import Change, Kind, Standing
from pipeline.settings import Settings

LOOK_S: Final = 0.5
"""Pause between two looks at what became of a change, in seconds."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Asker:
    """Who changes the release, and with what.

    Attributes
    ----------
    environment
        Of the other release, with this command's settings in it.
    report
        Takes lines of progress.
    """

    settings: Settings
    environment: dict[str, str]
    who: str
    why: str
    report: Report

    @property
    def running(self) -> bool:
        """Whether a run owns the namespace."""
        return runs.owner(self.settings.run_dir) is not None

    def other(self, python: str) -> Other:
        """Return a way to ask another release."""
        return Other(python, self.environment, self.report)


def upgrade(asker: Asker, target: str, *, dry_run: bool, no_way_back: bool) -> Standing:
    """Let another release serve; return what stands then.

    Parameters
    ----------
    target
        Name of an installed release, or a path.
    dry_run
        Check and say what would be done; nothing changes.
    no_way_back
        Go on although a rollback will be refused; only while nothing runs.

    Raises
    ------
    RefuseUsageError
        When the release can't serve here; nothing was changed.
    FailCheckError
        When it did not come up: the release before serves again.
    """
    settings = asker.settings
    prefix = environments.find(settings.embedded.state_dir, target)
    with files.changing(settings.run_dir):
        stands = _stands(settings)
        there = asker.other(str(prefix / "bin" / "python3"))
        new = there.describe()
        if new.release.prefix == stands.current.prefix:
            raise RefuseUsageError(f"{target} is the release that serves already: {stands.current}")
        decision = compatibility.decide(release.describe(settings), new, running=asker.running)
        _tell(asker, stands, new, decision)
        _refuse(decision, no_way_back=no_way_back)
        if dry_run:
            return stands
        _expand(asker, there)
        _warm(asker, there, decision.warm)
        _await_scored(asker, new)
        return _change(asker, stands, "upgrade", new, list(decision.one_way))


def rollback(asker: Asker) -> Standing:
    """Let the release before serve again; return what stands then.

    Raises
    ------
    RefuseUsageError
        When there is none, or it can't any more.
    FailCheckError
        When it did not come up: the present one serves again.
    """
    with files.changing(asker.settings.run_dir):
        stands = _stands(asker.settings)
        if stands.one_way:
            raise RefuseUsageError(f"there is no way back: {'; '.join(stands.one_way)}")
        if stands.previous is None:
            raise RefuseUsageError("there is no release to go back to: none was changed here")
        there = asker.other(stands.previous.python)
        old = there.describe()
        if old.release.digest != stands.previous.digest:
            asker.report(
                f"the sources of {stands.previous} were changed since it served: it is {old.release} now"
            )
        if old.problems:
            raise RefuseUsageError(f"{old.release} can't serve any more: {'; '.join(old.problems)}")
        _warm(asker, there, tuple(query for query in _moved(old) if not query.kept))
        _await_scored(asker, old)
        return _change(asker, stands, "rollback", old, [])


def finish(asker: Asker) -> list[str]:
    """Take away what only older releases needed, and with it the way back; return the migrations that were applied.

    Raises
    ------
    RefuseUsageError
        When something has to be moved that a run is changing.
    """
    settings = asker.settings
    with files.changing(settings.run_dir):
        stands = _stands(settings)
        moving = schema.moves(settings)
        if moving:
            _refuse_to_move(asker)
        if stands.previous is not None:
            reason = f"{asker.who} finished the upgrade from {stands.previous} to {stands.current}"
            stands = _change(asker, stands, "finish", release.describe(settings), [reason])
        with roster.owned(settings.run_dir) if moving else nullcontext():
            _, migrations = schema.migrate(settings, contract=True)
        for model in deployments.deployed(settings.run_dir):
            _forget_states(settings, model)
    return migrations


def _refuse_to_move(asker: Asker) -> None:
    if asker.running:
        raise RefuseUsageError(
            "entities are to be moved into buckets, and the run changes them: stop `fastdata run`, finish, start it again"
        )
    refuse_running(asker.settings)


def _stands(settings: Settings) -> Standing:
    stands = files.read_standing(settings.run_dir) or Standing(current=identity.own())
    open_change = files.open_change(files.read_wanted(settings.run_dir), stands)
    if open_change is not None and runs.owner(settings.run_dir) is not None:
        raise RefuseUsageError(
            f"the run still deals with the {open_change.kind} to {open_change.to} that {open_change.who} asked for: wait for it"
        )
    return stands


def _tell(asker: Asker, stands: Standing, new: Description, decision: Decision) -> None:
    asker.report(f"{stands.current} serves; {new.release} in {new.release.prefix} is to take its place")
    asker.report(f"tables: {', '.join(decision.expands) or 'nothing to add'}")
    if decision.contracts:
        asker.report(f"waits for `fastdata upgrade --finish`: {', '.join(decision.contracts)}")
    for query in new.queries:
        built = any(query.model == other.model for other in decision.warm)
        how = "is built anew from the topic" if built else "goes on from its checkpoint"
        asker.report(f"state of {query.model}: {how}")
    asker.report(f"way back: {'; '.join(decision.one_way) or '`fastdata rollback`'}")


def _refuse(decision: Decision, *, no_way_back: bool) -> None:
    if decision.refusals:
        raise RefuseUsageError("the upgrade is refused, nothing was changed: " + "; ".join(decision.refusals))
    if decision.one_way and not no_way_back:
        raise RefuseUsageError(
            f"the upgrade has no way back: {'; '.join(decision.one_way)}; with --no-way-back it is done all the same"
        )


def _expand(asker: Asker, there: Other) -> None:
    done = there.migrate()
    for what, names in done.items():
        if names:
            asker.report(f"{what} added: {', '.join(names)}")


def _warm(asker: Asker, there: Other, queries: tuple[Query, ...]) -> None:
    """Have state built beside what runs."""
    for query in queries:
        asker.report(f"building the state of {query.model}")
        there.warm(query.model)


def _await_scored(asker: Asker, to: Description) -> None:
    """Wait until what runs has committed all that the state of the other release has read: nothing falls between them."""
    settings, where = asker.settings, places(asker.settings)
    for query in _moved(to):
        state = deployments.read_state(settings.run_dir, query.model, query.needs)
        assert state is not None
        asker.report(f"waiting until {query.runs} has committed what {query.needs} has read")
        while not lifecycle.reached(where, *_served(settings, query.model), state):
            if not asker.running:
                raise RefuseUsageError(
                    f"{query.runs} has not scored all that {query.needs} has read, and nothing runs: "
                    "`fastdata run --until-idle`, then try again"
                )
            time.sleep(LOOK_S)


def _moved(to: Description) -> tuple[Query, ...]:
    """Return the queries that a release runs on another checkpoint than the one before."""
    return tuple(query for query in to.queries if query.runs not in ("", query.needs))


def _served(settings: Settings, model: str) -> tuple[Serving, str]:
    """Return what a deployed model's query does, and the tag of the events that it scores."""
    deployment = deployments.read_deployment(settings.run_dir, model)
    serving = deployments.read_serving(settings.run_dir, model)
    assert deployment is not None
    assert serving is not None
    return serving, lifecycle.known(places(settings), deployment, serving).event


def _change(asker: Asker, stands: Standing, kind: Kind, to: Description, one_way: list[str]) -> Standing:
    change = Change(
        id=str(uuid.uuid4()),
        kind=kind,
        to=to.release,
        parts=to.parts,
        one_way=one_way,
        who=asker.who,
        why=asker.why,
        at=wall_ms(),
    )
    files.write_wanted(asker.settings.run_dir, change)
    if not asker.running and _answered_here(asker, stands, change):
        return _stands(asker.settings)
    return _waited_for(asker, change)


def _answered_here(asker: Asker, stands: Standing, change: Change) -> bool:
    """Answer a change while nothing runs; False where a run has begun in this moment."""
    run_dir = asker.settings.run_dir
    try:
        with roster.owned(run_dir):
            files.write_standing(run_dir, files.answered(stands, change), wall_ms())
    except RefuseUsageError:
        return False
    return True


def _waited_for(asker: Asker, change: Change) -> Standing:
    run_dir = asker.settings.run_dir
    asker.report("the run changes its parts one by one; it goes on with that if this command ends")
    deadline = time.monotonic() + _patience_s(asker.settings, len(change.parts))
    while True:
        alive = asker.running
        stands = files.read_standing(run_dir)
        if stands is not None and stands.answered == change.id:
            break
        if not alive:
            raise StopProcessError(
                f"the run has ended before the {change.kind} was done: its next start takes it up, or give the command again"
            )
        if time.monotonic() > deadline:
            raise StopProcessError(
                f"the run has not answered: one that was begun with --until-idle takes no {change.kind}; what others do "
                f"is in {run_dir / 'logs'}, and `fastdata releases history` says what became of it"
            )
        time.sleep(LOOK_S)
    if stands.outcome:
        raise FailCheckError(f"{stands.current} serves again: {stands.outcome}")
    return stands


def _patience_s(settings: Settings, parts: int) -> float:
    """Return how long a change may take at most, there and back, in seconds."""
    given = settings.supervision
    return 2 * parts * (given.ready_timeout_s + 2 * given.grace_s + given.settle_s)


def _forget_states(settings: Settings, model: str) -> None:
    serving = deployments.read_serving(settings.run_dir, model)
    if serving is None:
        return
    for query in deployments.forget_states(settings.run_dir, model, keep=serving.query):
        shutil.rmtree(settings.processing.checkpoint_dir / query, ignore_errors=True)
