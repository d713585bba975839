"""Random interleavings of alerts, answers, crashes, redeliveries and two workers over one store.

Invariants: one open alarm an entity and condition however many alerts; each alert taken exactly once; an
alarm's command keeps its id; the first answer stays; no batch that succeeded leaves a command unpublished.
"""

import itertools
import threading
from collections import defaultdict
from typing import Any

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors import alarm
from actors.settings import ActorSettings
from actors.work import Work
from models.actions import Ack, Command, Outcome, decode_command
from models.scores import Score
from storage.memory import MemoryEntityStore

ENTITIES = ("card-a", "card-b")
ALERTS = st.builds(
    lambda number, entity, model, score: (f"{entity}-{number}", entity, model, score),
    st.integers(0, 5),
    st.sampled_from(ENTITIES),
    st.sampled_from(("fraud", "velocity")),
    st.floats(0.5, 1),
)
CALLS = ("load", "save", "send", "flush", "record_alarm")


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
        self.clock = itertools.count(1).__next__
        self.store = MemoryEntityStore(self.clock)
        self.wire = Wire()
        self.fuse = Fuse()
        self.workers = [self.started(), self.started()]
        self.taken: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.command_of: dict[str, str] = {}
        self.first_answer: dict[str, Outcome] = {}

    def started(self) -> Work:
        return Work(
            self.fuse.wrap(self.store),
            self.fuse.wrap(self.wire),
            ActorSettings(
                shards=1, entities=1, opening_commands={"fraud": "block_card", "velocity": "stop_machine"}
            ),
            reject=lambda record, error: None,
            clock=self.clock,
            stop=threading.Event(),
        )

    def deliver(self, worker: int, items: list[Score | Ack]) -> None:
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
        self.fuse.left, self.fuse.after = crash_at, after
        self.deliver(worker, [score(*fields) for fields in batch])
        for event_id, entity, model, _ in batch:
            self.taken[entity, model].add(event_id)

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

    @invariant()
    def each_alert_is_taken_once_by_the_one_alarm_of_its_condition(self) -> None:
        for entity in ENTITIES:
            found = alarm.decode(self.store.load(entity).state).by_condition
            expected = {model: events for (of, model), events in self.taken.items() if of == entity}
            assert {c: a.alerts for c, a in found.items()} == {m: len(e) for m, e in expected.items()}
            assert self.store.load(entity).alerts == {f"{e}/{m}" for m, es in expected.items() for e in es}

    @invariant()
    def an_alarm_keeps_its_command(self) -> None:
        for entity in ENTITIES:
            for opened in alarm.decode(self.store.load(entity).state).by_condition.values():
                (command,) = opened.commands
                assert self.command_of.setdefault(opened.alarm_id, command) == command
        assert {c.command_id for c in self.wire.commands} == set(self.command_of.values())

    @invariant()
    def the_first_answer_stays_and_nothing_waits_unpublished(self) -> None:
        for entity in ENTITIES:
            snapshot = self.store.load(entity)
            for row in snapshot.commands:
                assert row.status == self.first_answer.get(row.command_id, "sent")
            for opened in alarm.decode(snapshot.state).by_condition.values():
                said = {name: a.outcome for name, a in opened.commands.items() if a}
                assert said == {n: self.first_answer[n] for n in opened.commands if n in self.first_answer}

    @invariant()
    def the_list_agrees_with_the_entities(self) -> None:
        listed = {row.alarm_id: (row.alerts, row.command_status) for row in self.store.latest_alarms(99)}
        for entity in ENTITIES:
            snapshot = self.store.load(entity)
            statuses = {row.command_id: row.status for row in snapshot.commands}
            for opened in alarm.decode(snapshot.state).by_condition.values():
                (command,) = opened.commands
                assert listed[opened.alarm_id] == (opened.alerts, statuses[command])


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
TestAlarming.settings = hypothesis_settings(max_examples=150, stateful_step_count=25, deadline=None)
