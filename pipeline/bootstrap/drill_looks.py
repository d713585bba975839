"""The looks of a drill: how far everybody has come, and what every ledger says when nothing is left to do."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from ingest.errors import IngestError
from ingest.group_offsets import committed_of_all
from ingest.settings import TopicName
from models.alarms import CLOSED
from pipeline import drain
from pipeline.bootstrap import checks, lags
from pipeline.bootstrap.clocks import wall_ms
from pipeline.drain import Look as Drained
from pipeline.drill import oracle
from pipeline.drill.ledger import Ledger
from pipeline.drill.load import Load
from pipeline.drill.oracle import NOTHING, Evidence, Findings
from pipeline.drill.pipeline import Pipeline
from pipeline.drill.recompute import TOLERANCE
from pipeline.drill.tap import READ, Tap
from pipeline.drill.trial import Look, Outcome, Stand
from pipeline.settings import Settings
from storage.entities import EntityStore
from storage.errors import RetryLaterError
from storage.stored import Session, stored_scores

SETTLE_S: Final = 120.0
"""Nothing has moved for so long: what is left then will not come."""

SETTLE_MOST_S: Final = 600.0
BETWEEN_S: Final = 0.5
HOUR_MS: Final = 3_600_000
PATIENCE_S: Final = 180.0

WRITER_READS: Final[tuple[TopicName, ...]] = ("scores",)
ACTORS_READ: Final[tuple[TopicName, ...]] = ("alerts", "acks")
GATEWAY_READS: Final[tuple[TopicName, ...]] = ("commands",)
NOTIFIER_READS: Final[tuple[TopicName, ...]] = ("alarms",)

PATIENTLY: Final = Retrying(
    retry=retry_if_exception_type(RetryLaterError),
    wait=wait_fixed(1),
    stop=stop_after_delay(PATIENCE_S),
    reraise=True,
)
"""Asks Cassandra again where it was away just now: a session finds it again after seconds."""

log = structlog.get_logger(__name__)


@dataclass
class Looks:
    """Looks at one running pipeline; what was compared once is not compared again."""

    settings: Settings
    session: Session
    entities: EntityStore
    ledger: Ledger
    tap: Tap
    pipeline: Pipeline
    load: Load
    landmark_ms: int
    wrong: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    counted_twice: int = 0
    found: Findings = NOTHING

    def stand(self) -> Stand:
        """Return what a trial needs."""
        return Stand(self.lag_s, self.settle_and_judge, self.remedy, PATIENCE_S)

    def lag_s(self) -> float:
        """Return how long the oldest work has been waiting, in seconds; infinite while anybody is away."""
        if not self.pipeline.ready:
            return float("inf")
        try:
            return max(self.ledger.oldest_s(), *self._group_lags_s())
        except IngestError as error:
            log.info("no lag can be told", reason=str(error))
            return float("inf")

    def settle_and_judge(self) -> Look:
        """Stop the load, wait until all is done, compare every ledger, and let the load go on."""
        self.load.pause()
        try:
            settled = self._settled()
            self.found = oracle.judge(self._evidence())
        except RetryLaterError as error:
            log.warning("a ledger can't be read, so nothing is settled", reason=str(error))
            settled = False
        finally:
            self.load.resume()
        return Look(settled, self.found, self.counted_twice)

    def remedy(self) -> str:
        """Start everything again without its checkpoints: what is left when a query can't go on."""
        self.pipeline.stop()
        folder = self.settings.processing.checkpoint_dir
        for checkpoint in folder.iterdir():
            shutil.rmtree(checkpoint, ignore_errors=True)
        self.pipeline.start()
        return "the checkpoints were deleted and the run started again"

    def verified(self) -> Outcome:
        """Return the outcome of `fastdata verify` on all of it."""
        self.load.pause()
        settled = self._settled()
        hours = (self.load.latest_ms - self.landmark_ms) / HOUR_MS
        told = f"fastdata verify, at the end; in all {hours:,.1f} hours of events, {self.counts()}"
        try:
            found = PATIENTLY(checks.reconcile, self.settings)
        except RetryLaterError as error:
            return Outcome("verify", 0, f"{told}; not done: {error}")
        findings = Findings(
            lost=frozenset(f"{s.name}: {n}" for s in found.stages for n in s.missing),
            phantom=frozenset(f"{s.name}: {n}" for s in found.stages for n in s.phantoms),
            doubled=frozenset(f"{s.name}: {n}" for s in found.stages for n in s.repeated),
        )
        return Outcome("verify", 0, told, recovery_s=0.0, settled=settled, findings=findings)

    def counts(self) -> str:
        """Return how much went through the pipeline."""
        heard = self.tap.heard
        numbers = {
            "transactions acknowledged": len(self.ledger.acked),
            "scored": len(heard.last),
            "scores repeated": heard.repeated,
            "alerts": len(heard.alerts),
            "commands": len({command.command_id for command in heard.commands}),
            "carried out": len(self._effects()),
        }
        return ", ".join(f"{name} {number:,}" for name, number in numbers.items())

    def _group_lags_s(self) -> Iterator[float]:
        own, now = self.settings, wall_ms()
        for group, topics in (
            (own.writer.group, WRITER_READS),
            (own.actors.group, ACTORS_READ),
            (own.gateway.group, GATEWAY_READS),
            (own.notifier.group, NOTIFIER_READS),
        ):
            committed = committed_of_all(own.kafka, group)
            for topic in topics:
                oldest = self.tap.oldest_ms(topic, committed)
                yield 0.0 if oldest is None else (now - oldest) / 1_000

    def _settled(self) -> bool:
        """Wait until nothing is left to do; return whether that came about while anything still moved."""
        latest = time.monotonic() + SETTLE_MOST_S
        deadline = time.monotonic() + SETTLE_S
        earlier: Drained | None = None
        while time.monotonic() < min(deadline, latest):
            now = self._look()
            if now is not None and drain.drained(earlier, now):
                return True
            if now is not None and earlier is not None and now.ends != earlier.ends:
                deadline = time.monotonic() + SETTLE_S
            earlier = now
            time.sleep(BETWEEN_S)
        return False

    def _look(self) -> Drained | None:
        try:
            ends = lags.ends(self.settings)
            read = all(self.tap.count(topic) == ends[topic] for topic in READ)
            done = read and not self.ledger.waiting and self.ledger.poison <= self.tap.heard.dead
            return lags.look(self.settings, query_done=done)
        except IngestError as error:
            log.info("not settled", reason=str(error))
            return None

    def _evidence(self) -> Evidence:
        heard = self.tap.heard
        self._compare()
        alarms = PATIENTLY(lambda: list(self._alarms()))
        return Evidence(
            sent=set(self.ledger.sent),
            acked=set(self.ledger.acked),
            poison=set(self.ledger.poison),
            dead=set(heard.dead),
            scored=dict(heard.last),
            stored=PATIENTLY(self._stored),
            wrong=self.wrong,
            over=set(heard.over),
            alerts=heard.alerts.keys(),
            taken=self.taken,
            alarms=alarms,
            commands=list(heard.commands),
            answered=set(heard.answered),
            effects=self._effects(),
        )

    def _compare(self) -> None:
        for said in self.tap.fresh():
            as_arrived, once = self.tap.differences(said)
            if as_arrived > TOLERANCE:
                self.wrong.add(said.event_id)
            self.counted_twice += once > TOLERANCE

    def _stored(self) -> dict[str, float]:
        rows = stored_scores(self.session)
        return {row.event_id: row.score for row in rows if row.model == "fraud"}

    def _alarms(self) -> Iterator[tuple[str, str]]:
        """Load the entities of alerts that nobody is known to have taken; return their open alarms."""
        entities = {
            entity for event_id, entity in list(self.tap.heard.alerts.items()) if event_id not in self.taken
        }
        for entity in entities:
            self.taken |= {name.rpartition("/")[0] for name in self.entities.load(entity).alerts}
            for alarm in self.entities.alarms_of(entity):
                if alarm.state != CLOSED:
                    yield f"{entity}/{alarm.condition}", alarm.alarm_id

    def _effects(self) -> list[str]:
        where = f"file:{self.settings.gateway.ledger.absolute()}?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=30)) as ledger:
            return [row[0] for row in ledger.execute("select command_id from effects")]
