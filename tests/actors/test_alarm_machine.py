"""Random interleavings of alerts, answers, operators, silence, crashes, redeliveries and two workers over one store.

Each invariant has a name and a method of its own. What changed is judged by what was told on the topic `alarms`, by
rules that are written down here once more (`Life`), not by the code that decided it.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, get_args

from alarm_life import (
    DELAYED,
    EASE_AFTER,
    LATCHED,
    OFF_DELAY,
    POLICIES,
    SUPPRESSED,
    SUPPRESSOR,
    Life,
    Wire,
    band,
    order_of,
    score,
    worsened,
)
from crashing import CrashError, Fuse
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors import entity as entities
from actors.alarm import Alarms, shown
from actors.items import Wake
from actors.settings import ActorSettings
from actors.work import Work
from models.actions import Ack
from models.alarms import SEVERITIES, AlarmChange
from models.floods import floods
from models.operations import AlarmAction, AlarmOperation, AuditEntry, Operation
from models.scores import Score
from storage.alarms import AlarmRow
from storage.memory import MemoryEntityStore

ENTITIES = ("card-a", "card-b")
MODELS = ("fraud", "velocity", "unnamed")
ALERTS = st.builds(
    lambda number, entity, model, score: (f"{entity}-{number}", entity, model, score),
    st.integers(0, 30),
    st.sampled_from(ENTITIES),
    st.sampled_from(MODELS),
    st.floats(0.5, 1),
)
CALLS = ("load", "save", "send", "settle", "record_alarm", "record_audit")


class Alarming(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        ticks = itertools.count(1)
        self.skipped = 0
        self.clock = lambda: next(ticks) + self.skipped
        self.store = MemoryEntityStore(self.clock)
        self.wire = Wire()
        self.fuse = Fuse(CALLS)
        self.workers = [self.started(), self.started()]
        self.taken: defaultdict[tuple[str, str], dict[str, tuple[int, float]]] = defaultdict(dict)
        self.asked: dict[str, AlarmOperation] = {}
        self.judged: set[str] = set()
        self.decided: dict[str, AuditEntry] = {}

    def started(self) -> Work:
        return Work(
            self.fuse.wrap(self.store),
            self.fuse.wrap(self.wire),
            ActorSettings(shards=1, entities=1),
            POLICIES,
            reject=lambda record, error: None,
            clock=self.clock,
            stop=threading.Event(),
        )

    def deliver(
        self, worker: int, items: Sequence[Score | Ack | Operation | Wake], *, overtaken: bool = False
    ) -> None:
        """Give a batch until it is done; a crash loses the worker's memory, and others may come first then."""
        while True:
            try:
                return self.workers[worker](items)
            except CrashError:
                self.workers[worker] = self.started()
            if overtaken:
                self.skipped += OFF_DELAY + 10
                self.workers[1 - worker]([Wake(entity) for entity in ENTITIES])

    @rule(
        worker=st.integers(0, 1),
        batch=st.lists(ALERTS, min_size=1, max_size=6),
        waited=st.sampled_from((0, 0, 0, 30, 500)),
        crash_at=st.integers(-1, 14),
        after=st.booleans(),
        overtaken=st.booleans(),
    )
    def alerts(
        self,
        worker: int,
        batch: list[tuple[str, str, str, float]],
        waited: int,
        crash_at: int,
        *,
        after: bool,
        overtaken: bool,
    ) -> None:
        now = self.clock()
        self.fuse.left, self.fuse.after = crash_at, after
        alerts = [score(*fields, arrived=max(0, now - waited)) for fields in batch]
        self.deliver(worker, alerts, overtaken=overtaken)
        for event_id, entity, model, value in batch:
            self.taken[entity, model].setdefault(event_id, (now, value))

    @rule(
        worker=st.integers(0, 1),
        entity=st.sampled_from(ENTITIES),
        model=st.sampled_from(MODELS),
        gap=st.integers(1, 40),
    )
    def alerts_come(self, worker: int, entity: str, model: str, gap: int) -> None:
        self.alerts_keep_coming(worker, entity, model, gap)

    def alerts_keep_coming(self, worker: int, entity: str, model: str, gap: int) -> None:
        for _ in range(5):
            self.skipped += gap
            fields = (f"{entity}-k{self.skipped}", entity, model, 0.65)
            now = self.clock()
            self.deliver(worker, [score(*fields, arrived=now)])
            self.taken[entity, model].setdefault(fields[0], (now, 0.65))

    @rule(worker=st.integers(0, 1), entity=st.sampled_from(ENTITIES), model=st.sampled_from(MODELS[:2]))
    def a_condition_comes_back_often_and_is_acknowledged(self, worker: int, entity: str, model: str) -> None:
        for _ in range(3):
            self.skipped += OFF_DELAY + 10
            self.deliver(worker, [Wake(entity)])
            self.alerts_keep_coming(worker, entity, model, 1)
        row = next(r for r in self.store.alarms_of(entity) if r.condition == model)
        self.ask(worker, row, "acknowledge", None, 1)
        self.alerts_keep_coming(worker, entity, model, 30)

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        outcome=st.sampled_from(("succeeded", "refused")),
        crash_at=st.integers(-1, 6),
    )
    def answer(self, worker: int, which: int, outcome: Any, crash_at: int) -> None:
        if self.wire.commands:
            command = self.wire.commands[which % len(self.wire.commands)]
            self.fuse.left, self.fuse.after = crash_at, True
            said = Ack(command_id=command.command_id, entity=command.entity, outcome=outcome, reason="", at=1)
            self.deliver(worker, [said])

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        action=st.sampled_from(get_args(AlarmAction)),
        lasts=st.none() | st.integers(1, 400),
        crash_at=st.integers(-1, 8),
        after=st.booleans(),
        times=st.integers(1, 2),
    )
    def operation(  # noqa: PLR0917 - hypothesis gives them by name
        self,
        worker: int,
        which: int,
        action: AlarmAction,
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
        then=st.sampled_from(("shelve", "take_out_of_service", "note", "reset")),
        lasts=st.none() | st.integers(1, 400),
    )
    def an_alarm_is_acknowledged_falls_silent_and_is_worked_on(
        self, worker: int, which: int, then: AlarmAction, lasts: int | None
    ) -> None:
        opened = [row for row in self.store.latest_alarms(99) if row.state != "closed"]
        if opened:
            row = opened[which % len(opened)]
            self.ask(worker, row, "acknowledge", None, 1)
            self.skipped += OFF_DELAY + 10
            self.deliver(worker, [Wake(row.entity)])
            self.ask(worker, row, then, lasts, 1)

    def ask(self, worker: int, row: AlarmRow, action: AlarmAction, lasts: int | None, times: int) -> None:
        now = self.clock()
        asked = AlarmOperation(
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
        assert self.store.due_alarms(now, 99) == [], "what was due is done"

    def alarms(self) -> dict[str, Alarms]:
        return {entity: entities.decode(self.store.load(entity).state).alarms for entity in ENTITIES}

    def lives(self) -> dict[str, Life]:
        """Return every alarm's life as it was told."""
        lives: dict[str, Life] = {}
        for told in sorted(self.wire.changes.values(), key=order_of):
            lives.setdefault(told.alarm_id, Life(told.condition)).take(told)
        return lives

    @invariant()
    def one_open_alarm_per_entity_and_condition(self) -> None:
        opened = [(r.entity, r.condition) for r in self.store.latest_alarms(999) if r.state != "closed"]
        assert len(opened) == len(set(opened))
        for alarms in self.alarms().values():
            assert not any(a.is_open for a in alarms.past)

    @invariant()
    def no_transition_out_of_thin_air_and_none_untold(self) -> None:
        lives = self.lives()
        for alarms in self.alarms().values():
            for alarm in alarms.all:
                if alarm.active_at is None:
                    assert alarm.state in {"pending", "closed"}
                    continue
                assert lives[alarm.alarm_id].state == alarm.state
                assert lives[alarm.alarm_id].severity == alarm.severity

    @invariant()
    def latched_never_closes_without_reset(self) -> None:
        for life in self.lives().values():
            if life.condition == LATCHED and life.state == "closed":
                assert life.seen[-2:] == ["reset", "closed"]

    @invariant()
    def pending_never_commands_and_is_not_told(self) -> None:
        opened = {c.alarm_id for c in self.wire.changes.values() if c.change == "opened"}
        assert {c.alarm_id for c in self.wire.commands} <= opened
        assert {c.alarm_id for c in self.wire.changes.values() if c.change != "opened"} <= opened
        for told in self.wire.changes.values():
            if told.change == "opened" and told.condition == DELAYED and told.alarm_id not in self.judged:
                assert told.alerts >= 2
                assert told.at - told.opened_at >= 10 or self.waited_long(told)
                self.judged.add(told.alarm_id)  # once: an entity forgets an alarm that others have followed

    def waited_long(self, told: AlarmChange) -> bool:
        """Whether its alerts had waited in Kafka, whose times then say that it lasted."""
        latest = next(a for a in self.alarms()[told.entity].all if a.alarm_id == told.alarm_id)
        return latest.last_arrived_at - latest.arrived_at >= 10

    @invariant()
    def severity_never_falls_before_its_time(self) -> None:
        now = self.clock()
        for entity, alarms in self.alarms().items():
            for alarm in alarms.by_condition.values():
                recent = [
                    band(value)
                    for at, value in self.taken[entity, alarm.condition].values()
                    if at > alarm.opened_at and at + EASE_AFTER > now
                ]
                if alarm.is_active and recent:
                    assert SEVERITIES.index(alarm.severity) >= max(recent)

    @invariant()
    def each_alert_is_taken_once(self) -> None:
        counted: defaultdict[tuple[str, str], int] = defaultdict(int)
        for row in self.store.latest_alarms(9_999):
            counted[row.entity, row.condition] += row.alerts
        for (entity, model), alerts in self.taken.items():
            strong = sum(value >= 0.6 for _, value in alerts.values())
            least = strong if model == DELAYED else len(alerts)
            assert least <= counted[entity, model] <= len(alerts)
        for entity in ENTITIES:
            expected = {f"{e}/{m}" for (of, m), alerts in self.taken.items() if of == entity for e in alerts}
            assert self.store.load(entity).alerts == expected

    @invariant()
    def what_is_set_aside_never_commands(self) -> None:
        leading = {
            (c.alarm_id, c.at)
            for c in self.wire.changes.values()
            if c.change in {"opened", "escalated", "reactivated"} and c.state == "active_unacknowledged"
        }
        assert {(c.alarm_id, c.issued_at) for c in self.wire.commands} <= leading

    @invariant()
    def an_alarm_has_one_command_of_its_policy_at_most(self) -> None:
        ids = defaultdict(set)
        for command in self.wire.commands:
            ids[command.alarm_id].add(command.command_id)
            assert command.kind == ("block_card" if command.condition == "fraud" else "reduce_load")
        assert all(len(of_alarm) == 1 for of_alarm in ids.values())

    @invariant()
    def suppressed_exactly_while_another_explains_it_or_under_maintenance(self) -> None:
        for entity, alarms in self.alarms().items():
            by = alarms.by_condition.get(SUPPRESSOR)
            explained = by is not None and by.is_active and SUPPRESSOR not in alarms.out_of_service
            alarm = alarms.by_condition.get(SUPPRESSED)
            if alarm is None or not alarm.is_open:
                assert SUPPRESSED not in alarms.suppressed
            elif entity == "card-a" or explained:
                assert (SUPPRESSED in alarms.suppressed) == explained

    @invariant()
    def under_maintenance_after_a_sweep(self) -> None:
        now = self.clock()
        if not self.store.due_alarms(now, 99):
            for alarm in self.alarms()["card-b"].by_condition.values():
                if alarm.is_open and 300 <= now < 1_000:
                    assert alarm.condition in self.alarms()["card-b"].suppressed

    @invariant()
    def a_chattering_condition_is_not_alarmed_again(self) -> None:
        counts = {"opened", "reactivated"}
        changes = sorted(self.wire.changes.values(), key=order_of)
        for told in changes:
            if told.change != "realarmed" or worsened(told, changes):
                continue
            same = [c for c in changes if (c.entity, c.condition) == (told.entity, told.condition)]
            times = [c.at for c in same if c.change in counts and order_of(c) < order_of(told)]
            found = floods(times, POLICIES.alarms.of(told.condition).chattering.rule, told.at)
            assert all(flood.left_at is not None for flood in found)

    @invariant()
    def every_operation_is_audited_once_and_its_first_decision_stays(self) -> None:
        entries = self.store.latest_audit(999)
        assert sorted(e.operation.operation_id for e in entries) == sorted(self.asked)
        for entry in entries:
            name = entry.operation.operation_id
            assert entry.operation == self.asked[name]
            assert self.decided.setdefault(name, entry) == entry
            assert (entry.verdict == "applied") == (not entry.reason)

    @invariant()
    def the_list_agrees_with_the_entities(self) -> None:
        listed = {row.alarm_id: row for row in self.store.latest_alarms(999)}
        for alarms in self.alarms().values():
            for each in alarms.all:
                row = listed[each.alarm_id]
                assert (row.alerts, row.state, row.severity) == (
                    each.alerts,
                    shown(alarms, each),
                    each.severity,
                )
                assert (row.active_at, row.stale) == (each.active_at, each.stale_at is not None)
                assert row.chattering == (each.is_open and alarms.is_chattering(each.condition))


TestAlarming = Alarming.TestCase
TestAlarming.settings = hypothesis_settings(max_examples=150, stateful_step_count=30, deadline=None)
