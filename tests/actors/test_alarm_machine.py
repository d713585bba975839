"""Random interleavings of alerts, answers, operators, silence, crashes, redeliveries and two workers over one store.

Invariants: at most one open alarm an entity and condition however many alerts; each alert taken exactly once; no
command without a policy, none of what is set aside, one an alarm at most and always the same; the first answer stays;
every operation is in the audit exactly once and its first decision stays; no batch that succeeded leaves a command
unpublished or an alarm wrong in the list.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, get_args

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors import alarm
from actors.alarm import Alarms
from actors.items import Wake
from actors.settings import ActorSettings
from actors.work import Work
from models.actions import Ack, Command, Outcome, decode_command
from models.operations import Action, AuditEntry, Operation
from models.scores import Score
from storage.alarms import AlarmRow
from storage.memory import MemoryEntityStore

ENTITIES = ("card-a", "card-b")
MODELS = ("fraud", "velocity", "unnamed")
OFF_DELAY_S = 0.05
ALERTS = st.builds(
    lambda number, entity, model, score: (f"{entity}-{number}", entity, model, score),
    st.integers(0, 9),
    st.sampled_from(ENTITIES),
    st.sampled_from(MODELS),
    st.floats(0.5, 1),
)
CALLS = ("load", "save", "send", "flush", "record_alarm", "record_audit")


class CrashError(Exception):
    pass


class Fuse:
    """Ends the work at the n-th call of any kind, before or after the call took effect."""

    def __init__(self) -> None:
        self.left = -1
        self.after = False

    def wrap(self, inner: Any) -> Any:
        fuse = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                real = getattr(inner, name)
                return fuse.guarded(real) if name in CALLS else real

        return Wrapped()

    def guarded(self, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise CrashError
            result = real(*args, **kwargs)
            if self.left == 0:
                raise CrashError
            return result

        return call


class Wire:
    """A producer whose acknowledgements come with the flush."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self._waiting: list[Any] = []

    def send(self, topic: str, key: str, value: bytes, *, on_ack: Any) -> None:
        assert topic == "commands"
        self.commands.append(decode_command(value))
        self._waiting.append(on_ack)

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for on_ack in waiting:
            on_ack(0, 0)


class Alarming(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        ticks = itertools.count(1)
        self.skipped = 0
        self.clock = lambda: next(ticks) + self.skipped
        self.store = MemoryEntityStore(self.clock)
        self.wire = Wire()
        self.fuse = Fuse()
        self.workers = [self.started(), self.started()]
        self.taken: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.aside: set[str] = set()
        self.command_of: dict[str, str] = {}
        self.first_answer: dict[str, Outcome] = {}
        self.asked: dict[str, Operation] = {}
        self.decided: dict[str, AuditEntry] = {}

    def started(self) -> Work:
        return Work(
            self.fuse.wrap(self.store),
            self.fuse.wrap(self.wire),
            ActorSettings(
                shards=1,
                entities=1,
                opening_commands={"fraud": "block_card", "velocity": "stop_machine"},
                off_delay_s=OFF_DELAY_S,
                realarm_after_s=2 * OFF_DELAY_S,
            ),
            reject=lambda record, error: None,
            clock=self.clock,
            stop=threading.Event(),
        )

    def deliver(self, worker: int, items: Sequence[Score | Ack | Operation | Wake]) -> None:
        """Give a batch until it is done; a crash loses the worker's memory."""
        while True:
            try:
                return self.workers[worker](items)
            except CrashError:
                self.workers[worker] = self.started()

    @rule(
        worker=st.integers(0, 1),
        batch=st.lists(ALERTS, min_size=1, max_size=6),
        crash_at=st.integers(-1, 14),
        after=st.booleans(),
    )
    def alerts(
        self, worker: int, batch: list[tuple[str, str, str, float]], crash_at: int, *, after: bool
    ) -> None:
        known = {row.alarm_id for row in self.store.latest_alarms(999)}
        before = {entity: alarm.decode(self.store.load(entity).state) for entity in ENTITIES}
        self.fuse.left, self.fuse.after = crash_at, after
        self.deliver(worker, [score(*fields) for fields in batch])
        for event_id, entity, model, _ in batch:
            self.taken[entity, model].add(event_id)
        self.aside |= {
            row.alarm_id
            for row in self.store.latest_alarms(999)
            if row.alarm_id not in known and is_aside(before[row.entity], row.condition, row.opened_at)
        }

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        outcome=st.sampled_from(("succeeded", "refused", "expired")),
        crash_at=st.integers(-1, 6),
        times=st.integers(1, 2),
    )
    def answer(self, worker: int, which: int, outcome: Outcome, crash_at: int, times: int) -> None:
        if not self.wire.commands:
            return
        command = self.wire.commands[which % len(self.wire.commands)]
        self.fuse.left, self.fuse.after = crash_at, True
        self.deliver(worker, [answer(command, outcome)] * times)
        self.first_answer.setdefault(command.command_id, outcome)

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        action=st.sampled_from(get_args(Action)),
        lasts=st.none() | st.integers(1, 400),
        crash_at=st.integers(-1, 8),
        after=st.booleans(),
        times=st.integers(1, 2),
    )
    def operation(  # noqa: PLR0917 - hypothesis gives them by name
        self,
        worker: int,
        which: int,
        action: Action,
        lasts: int | None,
        crash_at: int,
        times: int,
        *,
        after: bool,
    ) -> None:
        listed = self.store.latest_alarms(99)
        if listed:
            self.fuse.left, self.fuse.after = crash_at, after
            self.ask(worker, listed[which % len(listed)], action, lasts, times)

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        aside=st.sampled_from(("shelve", "take_out_of_service", "note")),
        lasts=st.none() | st.integers(1, 400),
    )
    def an_alarm_is_set_aside_acknowledged_and_falls_silent(
        self, worker: int, which: int, aside: Action, lasts: int | None
    ) -> None:
        opened = [row for row in self.store.latest_alarms(99) if row.state != "closed"]
        if opened:
            row = opened[which % len(opened)]
            self.ask(worker, row, aside, lasts, 1)
            self.ask(worker, row, "acknowledge", None, 1)
            self.skipped += 60

    def ask(self, worker: int, row: AlarmRow, action: Action, lasts: int | None, times: int) -> None:
        now = self.clock()
        asked = Operation(
            operation_id=f"o{len(self.asked)}",
            action=action,
            entity=row.entity,
            condition=row.condition,
            alarm_id=row.alarm_id,
            who="ann",
            why="",
            asked_at=now,
            expires_at=now + 10_000,
            until=None if lasts is None else now + lasts,
        )
        self.asked[asked.operation_id] = asked
        self.deliver(worker, [asked] * times)

    @rule(worker=st.integers(0, 1), which=st.integers(0, 99), crash_at=st.integers(-1, 8))
    def operation_comes_again(self, worker: int, which: int, crash_at: int) -> None:
        if self.asked:
            self.fuse.left, self.fuse.after = crash_at, True
            self.deliver(worker, [list(self.asked.values())[which % len(self.asked)]])

    @rule(ms=st.sampled_from((1, 40, 60, 300)))
    def silence(self, ms: int) -> None:
        self.skipped += ms

    @rule(worker=st.integers(0, 1), crash_at=st.integers(-1, 8), after=st.booleans())
    def sweep(self, worker: int, crash_at: int, *, after: bool) -> None:
        now = self.clock()
        due = {Wake(row.entity) for row in self.store.due_alarms(now, 99)}
        self.fuse.left, self.fuse.after = crash_at, after
        self.deliver(worker, sorted(due, key=lambda wake: wake.entity))
        assert self.store.due_alarms(now, 99) == []

    @invariant()
    def each_alert_is_taken_once(self) -> None:
        counted: defaultdict[tuple[str, str], int] = defaultdict(int)
        for row in self.store.latest_alarms(999):
            counted[row.entity, row.condition] += row.alerts
        assert counted == {of: len(events) for of, events in self.taken.items()}
        for entity in ENTITIES:
            expected = {f"{e}/{m}" for (of, m), events in self.taken.items() if of == entity for e in events}
            assert self.store.load(entity).alerts == expected

    @invariant()
    def at_most_one_alarm_of_a_condition_is_open(self) -> None:
        opened = [(r.entity, r.condition) for r in self.store.latest_alarms(999) if r.state != "closed"]
        assert len(opened) == len(set(opened))
        for entity in ENTITIES:
            assert not any(a.is_open for a in alarm.decode(self.store.load(entity).state).past)

    @invariant()
    def an_alarm_has_at_most_one_command_and_keeps_it(self) -> None:
        for command in self.wire.commands:
            assert self.command_of.setdefault(command.alarm_id, command.command_id) == command.command_id
        for entity in ENTITIES:
            for known in alarm.decode(self.store.load(entity).state).all:
                assert list(known.commands) == [self.command_of.get(known.alarm_id)] * len(known.commands)

    @invariant()
    def no_command_without_a_policy(self) -> None:
        assert {(c.condition, c.kind) for c in self.wire.commands} <= {
            ("fraud", "block_card"),
            ("velocity", "stop_machine"),
        }

    @invariant()
    def what_opened_set_aside_never_commands(self) -> None:
        assert not self.aside & set(self.command_of)

    @invariant()
    def every_operation_is_in_the_audit_once_and_its_first_decision_stays(self) -> None:
        entries = self.store.latest_audit(999)
        assert sorted(e.operation.operation_id for e in entries) == sorted(self.asked)
        for entry in entries:
            name = entry.operation.operation_id
            assert entry.operation == self.asked[name]
            assert self.decided.setdefault(name, entry) == entry
            assert (entry.verdict == "applied") == (not entry.reason)

    @invariant()
    def the_first_answer_stays_and_nothing_waits_unpublished(self) -> None:
        for entity in ENTITIES:
            snapshot = self.store.load(entity)
            for row in snapshot.commands:
                assert row.status == self.first_answer.get(row.command_id, "sent")
            for opened in alarm.decode(snapshot.state).all:
                said = {name: a.outcome for name, a in opened.commands.items() if a}
                assert said == {n: self.first_answer[n] for n in opened.commands if n in self.first_answer}

    @invariant()
    def the_list_agrees_with_the_entities(self) -> None:
        listed = {r.alarm_id: (r.alerts, r.state, r.command_status) for r in self.store.latest_alarms(999)}
        for entity in ENTITIES:
            snapshot = self.store.load(entity)
            known = alarm.decode(snapshot.state)
            statuses: dict[str | None, str] = {row.command_id: row.status for row in snapshot.commands}
            for each in known.all:
                status = statuses[next(iter(each.commands))] if each.commands else None
                assert listed[each.alarm_id] == (each.alerts, alarm.shown(known, each), status)


def is_aside(alarms: Alarms, condition: str, at: int) -> bool:
    """Whether an alarm that opens then is set aside, told from the state before: a shelf may have ended since."""
    shelf, latest = alarms.shelves.get(condition), alarms.by_condition.get(condition)
    if condition in alarms.out_of_service:
        return True
    if shelf is None:
        return False
    if shelf.until is not None:
        return shelf.until > at
    return (
        latest is None or not latest.is_active
    )  # one-shot: silence, and with it the shelf, came before the alarm


def score(event_id: str, entity: str, model: str, value: float) -> Score:
    return Score(
        event_id=event_id,
        event_time=1,
        entity=entity,
        model=model,
        version="1",
        score=value,
        threshold=0.5,
        features={},
        event={},
        arrivals={},
        topic="transactions",
        partition=0,
        offset=0,
        ingested_at=1,
    )


def answer(command: Command, outcome: Outcome) -> Ack:
    return Ack(
        command_id=command.command_id,
        entity=command.entity,
        alarm_id=command.alarm_id,
        outcome=outcome,
        reason="",
        at=1,
    )


TestAlarming = Alarming.TestCase
TestAlarming.settings = hypothesis_settings(max_examples=150, stateful_step_count=30, deadline=None)
