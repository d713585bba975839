"""The world of the order machine: machines, people, policies and their limits, two workers that may crash, and what they publish."""

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from acked_at_flush import AckedAtFlush
from crashing import CrashError, Fuse
from hypothesis.stateful import RuleBasedStateMachine

from actors.decisions import orders_of
from actors.settings import ActorSettings
from actors.work import Work
from models.actions import Command, CommandKind, Outcome, decode_command
from models.operations import AuditEntry, CommandAction, CommandOperation
from models.orders import Order
from models.policies.policies import parse
from models.scores import Score
from storage.memory import MemoryEntityStore

DAY_MS = 86_400_000
START = 20_000 * DAY_MS
MACHINES = ("m1", "m2", "m3", "m4", "m5")
PEOPLE = ("ann", "bob", "policy", "Ann ")
POLICIES = parse(
    """
    [alarms.default]
    off_delay = "20s"
    severities = { high = 0.7, critical = 0.9 }

    [[commands]]
    name = "slow"
    models = "heat"
    command = "reduce_load"
    expires_after = "2m"
    per_entity = { most = 2, within = "1m" }
    overall = { most = 3, within = "30s" }
    retry = { first = "5s", longest = "20s", times = 3 }
    revert_after = "30s"
    verify_within = "40s"
    verify_grace = "2s"
    quiet_hours = [{ start = "00:02", end = "00:03" }]

    [[commands]]
    name = "halt"
    models = ["wear"]
    command = "stop_machine"
    severity = "high"
    mode = "approval"
    two_people = true
    expires_after = "3m"
    timeout = "20s"
    blast_radius = { percent = 40, fleet = 5, lasts = "2m" }

    [[commands]]
    name = "look"
    command = "schedule_inspection"
    manual = true
    expires_after = "1m"

    [[commands]]
    name = "trial"
    models = ["odd"]
    command = "schedule_inspection"
    mode = "dry_run"
    """,
    "the machine",
)
ALLOWED = {("heat", "reduce_load"), ("wear", "stop_machine")}
LIMITS = {"reduce_load": (3, 30_000)}
LIMITS_EACH = {"reduce_load": (2, 60_000)}
AT_ONCE, LASTS = 2, 120_000
CALLS = (
    "load",
    "save",
    "send",
    "settle",
    "record_alarm",
    "record_order",
    "record_audit",
    "take_permits",
    "give_back_permits",
    "command_stop",
)


class Publication(NamedTuple):
    at: int
    command: Command
    stopped: bool


class Wire(AckedAtFlush):
    """A producer that notes when a command was published, and whether a stop was known to all by then."""

    def __init__(self, machine: "OrderingWorld") -> None:
        super().__init__()
        self.machine = machine
        self.published: list[Publication] = []

    def took(self, topic: str, key: str, value: bytes) -> None:
        if topic == "commands":
            command = decode_command(value)
            assert key == command.entity
            self.published.append(Publication(self.machine.now, command, self.machine.stopped))


class OrderingWorld(RuleBasedStateMachine):
    """Two workers over one store, what was published and what operators asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.stopped = False
        self.store = MemoryEntityStore(lambda: self.now)
        self.wire = Wire(self)
        self.fuse = Fuse(CALLS)
        self.workers = [self.started(), self.started()]
        self.alerted = 0
        self.asked: dict[str, CommandOperation] = {}
        self.decided: dict[str, AuditEntry] = {}
        self.last_words: dict[str, Outcome] = {}
        self.ordered: set[str] = set()

    def started(self) -> Work:
        return Work(
            self.fuse.wrap(self.store),
            self.fuse.wrap(self.wire),
            ActorSettings(shards=1, entities=2),
            POLICIES,
            reject=lambda record, error: None,
            clock=lambda: self.now,
            stop=threading.Event(),
        )

    def deliver(self, worker: int, items: Sequence[Any], crash_at: int = -1, *, after: bool = False) -> None:
        """Give a batch until it is done; a crash loses the worker's memory."""
        self.fuse.left, self.fuse.after = crash_at, after
        while True:
            try:
                return self.workers[worker](items)
            except CrashError:
                self.workers[worker] = self.started()

    @property
    def orders(self) -> dict[str, Order]:
        return {name: o for m in MACHINES for name, o in orders_of(self.store.load(m)).items()}

    def wish(
        self,
        action: CommandAction,
        entity: str,
        command_id: str,
        who: str,
        *,
        kind: CommandKind | None = None,
    ) -> CommandOperation:
        asked = CommandOperation(
            operation_id=f"o{len(self.asked)}",
            action=action,
            entity=entity,
            command_id=command_id,
            who=who,
            why="seen",
            asked_at=self.now,
            expires_at=self.now + 1,
            kind=kind,
        )
        self.asked[asked.operation_id] = asked
        return asked


def densest(times: list[int], within: int) -> int:
    """Return how many of these times lie in the fullest window of this length."""
    return max((sum(start <= at < start + within for at in times) for start in times), default=0)


def score(event_id: str, entity: str, model: str, value: float, event_time: int) -> Score:
    return Score(
        event_id=event_id,
        event_time=event_time,
        entity=entity,
        model=model,
        version="1",
        score=value,
        threshold=0.5,
        features={},
        event={},
        arrivals={},
        topic="readings",
        partition=0,
        offset=0,
        ingested_at=event_time,
    )
