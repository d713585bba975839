"""A reconciler beside the pipeline in memory, which may be killed and started again at any time."""

from dataclasses import dataclass, field

from ingest.memory import Bus
from models import scores
from models.scores import Score
from pipeline.reconciliation.looks import Looks
from pipeline.reconciliation.reconciler import Reconciler, World
from pipeline.reconciliation.settings import ReconcilerSettings
from pipeline.reconciliation.starting import starts
from pipeline.reconciliation.tally import Counted, Tally, Topics, Where
from storage.counts import CountStore, MinuteCount, Position
from storage.memory_counts import MemoryCounts

HOUR_MS = 3_600_000
TOPICS = Topics(
    sources=("t-transactions", "t-readings"),
    scores="t-scores",
    alerts="t-alerts",
    dead_letters="t-dead-letters",
    commands="t-commands",
    acks="t-acks",
)
NOTHING = Looks(absent=lambda _: [], taken_at=lambda *_: 1, order=lambda _: None, orders_in=lambda _: [])


@dataclass
class Beside:
    """What a reconciler is given, apart from the bus and a clock that the test turns."""

    bus: Bus
    now: int
    looks: Looks = NOTHING
    counts: CountStore = field(default_factory=MemoryCounts)
    models: tuple[Counted, ...] = (Counted("fraud", "t-transactions", {}),)
    done: dict[Where, int] = field(default_factory=dict)
    dropped: bool = False
    told: list[Score] = field(default_factory=list)
    settings: ReconcilerSettings = field(
        default_factory=lambda: ReconcilerSettings(
            look_s=0.001, poll_s=0.001, checks_per_minute=100, skew_s=60
        )
    )

    def start(self, *, chunk: int = 10_000) -> Reconciler:
        """Start a reconciler where the one before it left off."""
        positions = self.counts.positions()
        bounds = {where: (0, len(log)) for where, log in self.bus.logs.items() if where[0] in TOPICS.all}
        logs = starts(
            {_where(position): position for position in positions},
            bounds,
            TOPICS.sources,
            lambda name, since: self.bus.offsets_since(name.removeprefix("t-"), since),  # type: ignore[arg-type]
            now=self.now,
            lookback_ms=HOUR_MS,
            skew_ms=60_000,
        )
        tally = Tally(TOPICS, 24 * HOUR_MS, self.settings.checks_per_minute, lambda: self.now)
        for where, log in logs.items():
            tally.follow(where, log)
        tally.use(self.models, known=lambda _: True)
        world = World(
            feed=self.bus.follower({where: log.read for where, log in logs.items()}),
            counts=self.counts,
            looks=self.looks,
            done=self._committed,
            dropped=lambda: self.dropped,
            models=lambda: self.models,
            names=lambda places: ["/".join(map(str, place)) for place in places],
            tell=self._tell,
            clock=lambda: self.now,
        )
        return Reconciler(tally, world, self.settings.model_copy(update={"batch": chunk}), 30 * 24 * HOUR_MS)

    def settle(self, reconciler: Reconciler, steps: int = 30) -> None:
        """Let it work until nothing is left to do; each step takes a hundredth of a second."""
        for _ in range(steps):
            self.now += 10
            reconciler.step()

    def rows(self, stage: str) -> list[MinuteCount]:
        """Return the counts of one stage."""
        return [
            row
            for row in self.counts.between(self.now - 24 * HOUR_MS, self.now + HOUR_MS)
            if row.stage == stage
        ]

    def total(self, stage: str, what: str = "given") -> int:
        """Return a sum over all minutes of one stage."""
        return sum(getattr(row, what) for row in self.rows(stage))

    def _committed(self) -> dict[Where, int]:
        groups = [self.bus.groups[name].committed for name in ("t-writer", "t-actors")]
        return {**groups[0], **groups[1], **self.done}

    def _tell(self, alert: Score) -> None:
        self.told.append(alert)
        producer = self.bus.producer()
        for topic in ("scores", "alerts"):
            producer.send(topic, alert.entity, scores.encode(alert))


def _where(position: Position) -> Where:
    topic, _, partition = position.part.rpartition("/")
    return topic, int(partition)
