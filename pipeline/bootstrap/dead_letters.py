"""The real places behind `fastdata dead-letters`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from ingest.catalog import wanted
from ingest.producer import Producer
from ingest.reading import read_all, read_since
from models.errors import RejectEventError
from models.events import tag_of
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.feeds import tokenizer
from pipeline.dead_letters import letters, overview, plans
from pipeline.dead_letters.difference import Finding, difference
from pipeline.dead_letters.functions import functions
from pipeline.dead_letters.letters import Letter
from pipeline.dead_letters.overview import Group
from pipeline.dead_letters.plans import Plan
from pipeline.dead_letters.recipe import Fix, Recipe, fix_of
from pipeline.dead_letters.redrive import Bench, Errand, Report, redrive
from pipeline.dead_letters.selection import Selection, the_one
from pipeline.dead_letters.trial import Trial, trial
from pipeline.settings import Settings
from storage.redrive_table import CassandraRedrives
from storage.redrives import Redrive
from storage.session import connect


@dataclass(frozen=True)
class Shown:
    """One letter with what is known of it; without findings where it is no JSON object, or of no known type."""

    letter: Letter
    event_type: str | None
    findings: tuple[Finding, ...]
    redrive: Redrive | None
    trial: Trial


def kept_hours(settings: Settings) -> float | None:
    """Return how long the topic keeps a letter, in hours; None is forever."""
    return wanted(settings.kafka)["dead-letters"].retention_hours


def grouped(settings: Settings, selection: Selection) -> list[Group]:
    """Return the selected letters, counted."""
    with _redrives(settings) as store:
        redriven = {each.letter_id for each in store.all() if each.sent_at is not None}
    return overview.grouped(selection.of(_letters(settings)), redriven)


def each(settings: Settings, selection: Selection, limit: int) -> list[tuple[Letter, Redrive | None]]:
    """Return the selected letters, the newest last, with their redrives."""
    found: list[Letter] = list(selection.of(_letters(settings)))[-limit:]
    with _redrives(settings) as store:
        return [(letter, store.of(letter.letter_id)) for letter in found]


def shown(settings: Settings, name: str) -> Shown:
    """Return one letter by its name, or the beginning of it."""
    letter = the_one(_letters(settings), name)
    with _redrives(settings) as store:
        redriven = store.of(letter.letter_id)
    event_type, findings = _judged(letter)
    return Shown(letter, event_type, findings, redriven, trial(letter, None, wall_ms()))


def tried(settings: Settings, selection: Selection, recipe: Recipe) -> Iterator[Trial]:
    """Yield what the fix would make of each selected letter that was not sent again yet; nothing is sent."""
    fix = _fix(settings, recipe)
    with _redrives(settings) as store:
        done = {redriven.letter_id for redriven in store.all() if redriven.sent_at is not None}
    for letter in selection.of(_letters(settings)):
        if letter.letter_id not in done:
            yield trial(letter, fix, wall_ms())


def keep(settings: Settings, recipe: Recipe, ready: Sequence[str]) -> str:
    """Keep a fix that was shown; return its name."""
    return plans.keep(_folder(settings), Plan(recipe, tuple(ready)))


def planned(settings: Settings, name: str) -> tuple[Selection, Recipe]:
    """Return the letters and the recipe of a fix that was shown."""
    plan = plans.load(_folder(settings), name)
    return Selection(exactly=frozenset(plan.letters)), plan.recipe


def redriven(settings: Settings, selection: Selection, recipe: Recipe, who: str, why: str) -> Report:
    """Send the selected letters through the door again, fixed by the recipe; each once."""
    fix = _fix(settings, recipe)
    with _redrives(settings) as store, Producer(settings.kafka) as producer:
        bench = Bench(
            store=store,
            producer=producer,
            read_since=partial(read_since, settings.kafka),
            clock=wall_ms,
            new_id=lambda: uuid4().hex,
            delivery_ms=settings.kafka.delivery_timeout_ms,
        )
        trials = (trial(letter, fix, wall_ms()) for letter in selection.of(_letters(settings)))
        return redrive(bench, trials, Errand(who, why, recipe.as_json()))


def audited(settings: Settings, limit: int) -> list[Redrive]:
    """Return the latest redrives, newest first."""
    with _redrives(settings) as store:
        return sorted(store.all(), key=lambda each: (-each.claimed_at, each.letter_id))[:limit]


def _judged(letter: Letter) -> tuple[str | None, tuple[Finding, ...]]:
    try:
        fields = letter.fields()
    except RejectEventError:
        return None, ()
    event_type = letter.event_type(fields)
    return (tag_of(event_type), tuple(difference(fields, event_type))) if event_type else (None, ())


@contextmanager
def _redrives(settings: Settings) -> Iterator[CassandraRedrives]:
    with connect(settings.cassandra) as session:
        yield CassandraRedrives(session)


def _letters(settings: Settings) -> Iterator[Letter]:
    return letters.read(read_all(settings.kafka, "dead-letters"), settings.kafka.prefix)


def _fix(settings: Settings, recipe: Recipe) -> Fix | None:
    return None if recipe.changes_nothing else fix_of(recipe, functions(tokenizer(settings).token))


def _folder(settings: Settings) -> Path:
    return settings.run_dir / "fixes"
