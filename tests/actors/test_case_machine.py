"""Cases under random interleavings of alerts, answers, investigators, silence, crashes, redeliveries and two workers.

The invariants are the methods that hypothesis checks after every step; their names say them.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, get_args

from acked_at_flush import AckedAtFlush
from crashing import CrashError, Fuse
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors import entity as entities
from actors.case import Case, shown
from actors.case_work import labels
from actors.items import Wake
from actors.settings import ActorSettings
from actors.work import Work
from models import events
from models.actions import Ack, Command, decode_command
from models.cases import VERDICTS, AlertSeen, Evidence
from models.events import Label
from models.operations import AuditEntry, CaseAction, CaseOperation, CaseOutcome, Operation
from models.policies.policies import parse
from models.scores import Score
from storage.cases import CaseRow
from storage.memory import MemoryEntityStore

CARDS = ("tok_" + "a" * 24, "tok_" + "b" * 24)
PEOPLE = ("ann", "bob")
CALLS = ("load", "save", "send", "settle", "record_alarm", "record_case", "record_evidence", "record_audit")
POLICIES = """
[alarms.default]
off_delay = "50ms"
realarm_after = "100ms"
severities = { high = 0.9 }

[cases.fraud]
opens_at = "high"
due_after = "1d"
evidence = 4

[[commands]]
models = ["fraud"]
command = "block_card"
"""

Alert = tuple[int, str, str, float]
Wish = tuple[CaseAction, int, str, CaseOutcome]

ALERTS = st.tuples(
    st.integers(0, 15), st.sampled_from(CARDS), st.sampled_from(("fraud", "velocity")), st.floats(0.5, 1)
)
WISHES = st.tuples(
    st.sampled_from(get_args(CaseAction)),
    st.integers(0, 9),
    st.sampled_from(PEOPLE),
    st.sampled_from(get_args(CaseOutcome)),
)
WORKER, CRASH_AT, AFTER = st.integers(0, 1), st.integers(-1, 16), st.booleans()


class Wire(AckedAtFlush):
    """A producer whose acknowledgements come with the flush."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: defaultdict[str, list[bytes]] = defaultdict(list)

    def took(self, topic: str, key: str, value: bytes) -> None:
        self.sent[topic].append(value)

    @property
    def commands(self) -> list[Command]:
        return [decode_command(value) for value in self.sent["commands"]]

    @property
    def labels(self) -> list[Label]:
        return [label for value in self.sent["labels"] if isinstance(label := events.decode(value), Label)]


class Investigating(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        ticks = itertools.count(1)
        self.skipped = 0
        self.clock = lambda: next(ticks) + self.skipped
        self.store = MemoryEntityStore(self.clock)
        self.wire = Wire()
        self.fuse = Fuse(CALLS)
        self.workers = [self.started(), self.started()]
        self.asked: dict[str, CaseOperation] = {}
        self.held: dict[str, list[Evidence]] = {}
        self.closed: dict[str, CaseRow] = {}
        self.told: dict[str, Label] = {}

    def started(self) -> Work:
        return Work(
            self.fuse.wrap(self.store),
            self.fuse.wrap(self.wire),
            ActorSettings(shards=1, entities=1),
            parse(POLICIES, "this test"),
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
        worker=WORKER, batch=st.lists(ALERTS | WISHES, min_size=1, max_size=6), crash_at=CRASH_AT, after=AFTER
    )
    def messages(self, worker: int, batch: list[Alert | Wish], crash_at: int, *, after: bool) -> None:
        items = [self.wished(*one) if isinstance(one[0], str) else scored(*one) for one in batch]
        self.fuse.set(crash_at, after=after)
        self.deliver(worker, items)

    @rule(worker=WORKER, card=st.sampled_from(CARDS), number=st.integers(0, 15), outcome=WISHES)
    def a_case_is_opened_worked_and_closed(self, worker: int, card: str, number: int, outcome: Wish) -> None:
        who, which = outcome[2], outcome[3]
        self.deliver(worker, [scored(number, card, "fraud", 0.95)])
        for action in ("release", "assign", "close"):
            for case in self.store.cases_of(card)[:1]:
                self.deliver(worker, [self.operation(action, case.entity, case.case_id, who, which)])

    @rule(worker=WORKER, which=st.integers(0, 99), crash_at=CRASH_AT)
    def an_operation_comes_again(self, worker: int, which: int, crash_at: int) -> None:
        if self.asked:
            self.fuse.set(crash_at, after=True)
            self.deliver(worker, [list(self.asked.values())[which % len(self.asked)]])

    @rule(
        worker=WORKER,
        which=st.integers(0, 50),
        crash_at=CRASH_AT,
        outcome=st.sampled_from(("succeeded", "refused")),
    )
    def answer(self, worker: int, which: int, crash_at: int, outcome: Any) -> None:
        if commands := self.wire.commands:
            command = commands[which % len(commands)]
            ack = Ack(
                command_id=command.command_id,
                entity=command.entity,
                outcome=outcome,
                reason="r",
                at=self.clock(),
            )
            self.fuse.set(crash_at, after=True)
            self.deliver(worker, [ack])

    @rule(worker=WORKER, ms=st.sampled_from((1, 60, 300)), crash_at=CRASH_AT, after=AFTER)
    def silence(self, worker: int, ms: int, crash_at: int, *, after: bool) -> None:
        self.skipped += ms
        self.fuse.set(crash_at, after=after)
        due = {row.entity for row in self.store.due_alarms(self.clock(), 99)}
        self.deliver(worker, [Wake(name) for name in sorted(due)])

    def wished(self, action: CaseAction, which: int, who: str, outcome: CaseOutcome) -> CaseOperation:
        known = self.store.latest_cases(99)
        if action == "open" or not known:
            return self.operation("open", CARDS[which % 2], f"case-{len(self.asked)}", who, outcome)
        case = known[which % len(known)]
        return self.operation(action, case.entity, case.case_id, who, outcome)

    def operation(
        self, action: Any, entity: str, case_id: str, who: str, outcome: CaseOutcome
    ) -> CaseOperation:
        now = self.clock()
        asked = CaseOperation(
            operation_id=f"o{len(self.asked)}",
            entity=entity,
            who=who,
            why="a reason" if action != "release" else "",
            asked_at=now,
            expires_at=now + 10_000,
            action=action,
            case_id=case_id,
            assignee=who if action == "assign" else None,
            due_at=now + 5_000 if action == "set_due" else None,
            outcome=outcome if action == "close" else None,
        )
        self.asked[asked.operation_id] = asked
        return asked

    def cases(self) -> dict[str, Case]:
        states = [entities.decode(self.store.load(card).state) for card in CARDS]
        return {case.case_id: case for state in states for case in state.cases.all}

    def audit(self) -> list[AuditEntry]:
        """Return all entries in the order of decision: those of one batch share its time and came in order."""
        entries = self.store.latest_audit(9_999)
        return sorted(entries, key=lambda e: (e.decided_at, int(e.operation.operation_id[1:])))

    @invariant()
    def an_entity_has_one_open_case_at_most(self) -> None:
        opened = [row.entity for row in self.store.latest_cases(999) if row.state != "closed"]
        assert len(opened) == len(set(opened))
        for card in CARDS:
            assert all(case.outcome for case in entities.decode(self.store.load(card).state).cases.past)

    @invariant()
    def evidence_is_only_added_and_never_changed(self) -> None:
        for row in self.store.latest_cases(999):
            held, before = self.store.evidence_of(row.case_id), self.held.get(row.case_id, [])
            assert [piece for piece in before if piece not in held] == []
            self.held[row.case_id] = held

    @invariant()
    def evidence_is_all_that_the_state_speaks_of(self) -> None:
        for name, case in self.cases().items():
            seen = [(type(piece).__name__, piece.name) for piece in self.store.evidence_of(name)]
            assert len(seen) == len(set(seen)) == len(case.alarms) + len(case.alerts) + len(case.commands)
            alerts = {p.alert_id for p in self.store.evidence_of(name) if isinstance(p, AlertSeen)}
            assert alerts == set(case.alerts)

    @invariant()
    def an_alert_is_evidence_once(self) -> None:
        alerts = [name for case in self.cases().values() for name in case.alerts]
        assert len(alerts) == len(set(alerts))

    @invariant()
    def a_closed_case_stays_as_it_is(self) -> None:
        for row in self.store.latest_cases(999):
            if row.state == "closed":
                before = self.closed.setdefault(row.case_id, row)
                assert (before.outcome, before.closed_at, before.assignee, before.alerts) == (
                    row.outcome,
                    row.closed_at,
                    row.assignee,
                    row.alerts,
                )
            assert row.state == "closed" or row.case_id not in self.closed

    @invariant()
    def a_case_is_worked_by_one_at_a_time(self) -> None:
        holders: dict[str, str | None] = {}
        for entry in self.audit():
            asked = entry.operation
            assert isinstance(asked, CaseOperation)
            if entry.verdict == "applied" and asked.action == "assign":
                assert holders.get(asked.case_id) is None
                holders[asked.case_id] = asked.assignee
            if entry.verdict == "applied" and asked.action == "release":
                holders[asked.case_id] = None
            if entry.verdict == "applied" and asked.action == "close":
                assert holders.get(asked.case_id) in {None, asked.who}
                holders[asked.case_id] = asked.who
        for row in self.store.latest_cases(999):
            assert row.assignee == holders.get(row.case_id)

    @invariant()
    def lists_say_what_the_state_says(self) -> None:
        listed = {row.case_id: row for row in self.store.latest_cases(999)}
        for name, case in self.cases().items():
            row = listed[name]
            assert (row.state, row.assignee, row.due_at) == (case.state, case.assignee, case.due_at)
            assert (row.severity, row.alerts, row.commands) == (
                case.severity,
                len(case.alerts),
                len(case.commands),
            )

    @invariant()
    def each_outcome_is_told_as_labels_once_by_id(self) -> None:
        for label in self.wire.labels:
            assert self.told.setdefault(label.event_id, label) == label
        said = {(label.transaction_id, label.fraud) for label in self.told.values()}
        for row in self.store.latest_cases(999):
            alerts = {
                p.alert_id.partition("/")[0]
                for p in self.held.get(row.case_id, [])
                if isinstance(p, AlertSeen)
            }
            if row.outcome in VERDICTS:
                assert {(transaction, VERDICTS[row.outcome]) for transaction in alerts} <= said
        for case in self.cases().values():
            assert {label.event_id for label in labels(CARDS[0], case)} <= set(self.told)
        states = [entities.decode(self.store.load(card).state) for card in CARDS]
        assert all(state.cases.unpublished == () for state in states)

    @invariant()
    def every_operation_is_in_the_audit_once(self) -> None:
        entries = self.audit()
        assert sorted(e.operation.operation_id for e in entries) == sorted(self.asked)
        assert all((e.verdict == "applied") == (not e.reason) for e in entries)
        for case in self.cases().values():
            last = [e for e in entries if e.operation.target == case.case_id and e.verdict == "applied"]
            assert not last or last[-1].after == shown(case)


def scored(number: int, card: str, model: str, score: float) -> Score:
    return Score(
        event_id=f"{card[4]}{number}",
        event_time=number,
        entity=card,
        model=model,
        version="1",
        score=score,
        threshold=0.5,
        features={"amount": score},
        event={"card": card, "terminal": "T1", "amount": 1.0},
        arrivals={},
        topic="transactions",
        partition=0,
        offset=number,
        ingested_at=number,
    )


TestInvestigating = Investigating.TestCase
TestInvestigating.settings = hypothesis_settings(max_examples=40, stateful_step_count=25, deadline=None)
