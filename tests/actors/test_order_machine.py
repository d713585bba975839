"""Random interleavings of alerts, answers, operators, time, stops and crashes of two workers: what commands never do.

Each invariant has a name and a method of its own, and judges by what was published, when, and by what operators did, not
by what the orders say of themselves.
"""

from collections import defaultdict
from collections.abc import Sequence

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from ordering_world import (
    ALLOWED,
    AT_ONCE,
    DAY_MS,
    LASTS,
    LIMITS,
    LIMITS_EACH,
    MACHINES,
    PEOPLE,
    OrderingWorld,
    Publication,
    densest,
    score,
)

from actors.items import Wake
from actors.order_rows import due_at
from actors.order_sweep import due
from models.actions import Ack, Command, CommandKind, Outcome
from models.operations import CommandAction, CommandOperation
from models.orders import Order
from models.policies.commands import DESTRUCTIVE
from storage.orders import OrderRow
from storage.permits import Stop


class Ordering(OrderingWorld):
    @rule(
        worker=st.integers(0, 1),
        batch=st.lists(
            st.tuples(
                st.sampled_from(MACHINES),
                st.sampled_from(("heat", "wear", "odd", "heat")),
                st.floats(0.5, 1),
                st.integers(-30_000, 1_000),
            ),
            min_size=1,
            max_size=6,
        ),
        crash_at=st.integers(-1, 25),
        after=st.booleans(),
    )
    def alerts(
        self, worker: int, batch: list[tuple[str, str, float, int]], crash_at: int, *, after: bool
    ) -> None:
        items = []
        for entity, model, value, event_lag in batch:
            self.alerted += 1
            items.append(score(f"e{self.alerted}", entity, model, value, self.now + event_lag))
        self.deliver(worker, items, crash_at, after=after)

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        outcome=st.sampled_from(("delivered", "succeeded", "succeeded", "refused", "expired", "cancelled")),
        crash_at=st.integers(-1, 9),
        times=st.integers(1, 2),
    )
    def a_device_answers(self, worker: int, which: int, outcome: Outcome, crash_at: int, times: int) -> None:
        if not self.wire.published:
            return
        command = self.wire.published[-1 - which % len(self.wire.published)].command
        if outcome == "cancelled" and not command.cancels:
            return
        self.heard(worker, command, outcome, crash_at, times)

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        action=st.sampled_from(("approve", "approve", "cancel", "revert")),
        who=st.sampled_from(PEOPLE),
        crash_at=st.integers(-1, 12),
        after=st.booleans(),
        times=st.integers(1, 2),
    )
    def an_operator_acts(  # noqa: PLR0917 - hypothesis gives them by name
        self,
        worker: int,
        which: int,
        action: CommandAction,
        who: str,
        crash_at: int,
        times: int,
        *,
        after: bool,
    ) -> None:
        orders = list(self.orders.values())
        if orders:
            command = orders[-1 - which % len(orders)].command
            asked = self.wish(action, command.entity, command.command_id, who)
            self.deliver(worker, [asked] * times, crash_at, after=after)

    @rule(
        worker=st.integers(0, 1),
        which=st.integers(0, 50),
        people=st.sampled_from((("ann", "bob"), ("ann", "ann"), ("ann", "Ann "))),
    )
    def people_approve(self, worker: int, which: int, people: tuple[str, str]) -> None:
        waiting = [o for o in self.orders.values() if o.status == "awaiting_approval"]
        if waiting:
            command = waiting[which % len(waiting)].command
            asked = [self.wish("approve", command.entity, command.command_id, who) for who in people]
            self.deliver(worker, asked)

    @rule(
        worker=st.integers(0, 1),
        entity=st.sampled_from(MACHINES),
        kind=st.sampled_from(
            ("reduce_load", "stop_machine", "schedule_inspection", "block_card", "start_machine")
        ),
        who=st.sampled_from(PEOPLE),
        crash_at=st.integers(-1, 12),
    )
    def an_operator_sends(self, worker: int, entity: str, kind: CommandKind, who: str, crash_at: int) -> None:
        self.deliver(
            worker, [self.wish("send", entity, f"by-hand-{len(self.asked)}", who, kind=kind)], crash_at
        )

    @rule(
        worker=st.integers(0, 1),
        machines=st.lists(st.sampled_from(MACHINES), min_size=1, max_size=4, unique=True),
        approvers=st.sampled_from((("ann", "bob"), ("ann", "bob"), ("bob", "bob"))),
    )
    def machines_are_to_be_stopped(
        self, worker: int, machines: list[str], approvers: tuple[str, str]
    ) -> None:
        for entity in machines:
            self.alerted += 1
            self.deliver(worker, [score(f"e{self.alerted}", entity, "wear", 0.95, self.now)])
        self.people_approve_all(worker, approvers)

    def people_approve_all(self, worker: int, people: Sequence[str]) -> None:
        waiting = [o.command for o in self.orders.values() if o.status == "awaiting_approval"]
        self.deliver(
            worker, [self.wish("approve", c.entity, c.command_id, who) for c in waiting for who in people]
        )

    @rule(
        worker=st.integers(0, 1),
        entity=st.sampled_from(MACHINES),
        condition=st.sampled_from((("heat", "reduce_load"), ("wear", "stop_machine"))),
        who=st.sampled_from(("ann", "bob")),
        times=st.integers(1, 4),
    )
    def an_operator_insists_alone(
        self, worker: int, entity: str, condition: tuple[str, CommandKind], who: str, times: int
    ) -> None:
        model, kind = condition
        self.alerted += 1
        self.deliver(worker, [score(f"e{self.alerted}", entity, model, 0.6, self.now)])
        for _ in range(times):
            name = f"by-hand-{len(self.asked)}"
            self.deliver(worker, [self.wish("send", entity, name, who, kind=kind)])
            self.deliver(worker, [self.wish("approve", entity, name, who)])

    @rule(
        worker=st.integers(0, 1), outcome=st.sampled_from(("succeeded", "succeeded", "refused", "delivered"))
    )
    def all_devices_answer(self, worker: int, outcome: Outcome) -> None:
        published = {each.command.command_id: each.command for each in self.wire.published}
        for name, command in published.items():
            if name not in self.last_words and not command.cancels:
                self.heard(worker, command, outcome)

    def heard(
        self, worker: int, command: Command, outcome: Outcome, crash_at: int = -1, times: int = 1
    ) -> None:
        name = command.cancels or command.command_id
        ack = Ack(command_id=name, entity=command.entity, outcome=outcome, reason="", at=self.now)
        self.deliver(worker, [ack] * times, crash_at)
        late = self.last_words.get(name) == "expired" and outcome == "succeeded"
        if outcome != "delivered" and (name not in self.last_words or late):
            self.last_words[name] = outcome

    @rule(worker=st.integers(0, 1), which=st.integers(0, 20), answered=st.booleans())
    def a_command_is_undone_and_again(self, worker: int, which: int, *, answered: bool) -> None:
        done = [o for o in self.orders.values() if o.status == "succeeded" and not o.is_errand]
        if not done:
            return
        command = done[which % len(done)].command
        self.deliver(worker, [self.wish("revert", command.entity, command.command_id, "ann")])
        if answered:
            self.all_devices_answer(worker, "succeeded")
        self.deliver(worker, [self.wish("revert", command.entity, command.command_id, "bob")])

    @rule(which=st.integers(0, 50), more=st.sampled_from((0, 1, 1_000)), sweeps=st.booleans())
    def time_passes_until_something_is_due(self, which: int, more: int, *, sweeps: bool) -> None:
        dues = sorted({at for o in self.orders.values() if (at := due_at(o)) is not None and at >= self.now})
        if dues:
            self.now = dues[which % len(dues)] + more
        if sweeps:
            self.sweep(0, -1, after=False)

    @rule(which=st.integers(0, 50), more=st.sampled_from((0, 1, 1_000)), sweeps=st.booleans())
    def time_passes_until_one_expires(self, which: int, more: int, *, sweeps: bool) -> None:
        ends = sorted(
            {o.command.expires_at for o in self.orders.values() if o.command.expires_at >= self.now}
        )
        if ends:
            self.now = ends[which % len(ends)] + more
        if sweeps:
            self.sweep(0, -1, after=False)

    @rule(worker=st.integers(0, 1), which=st.integers(0, 99), crash_at=st.integers(-1, 8))
    def an_operation_comes_again(self, worker: int, which: int, crash_at: int) -> None:
        if self.asked:
            self.deliver(worker, [list(self.asked.values())[which % len(self.asked)]], crash_at)

    @rule(ms=st.sampled_from((1, 1_000, 5_000, 20_000, 30_000, 60_000)))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule(worker=st.integers(0, 1), crash_at=st.integers(-1, 20), after=st.booleans())
    def sweep(self, worker: int, crash_at: int, *, after: bool) -> None:
        wakes = due(self.store, self.now, 99)
        self.deliver(worker, wakes, crash_at, after=after)
        assert due(self.store, self.now, 99) == [], "a sweep leaves nothing that is due"

    @rule()
    def all_commands_are_stopped(self) -> None:
        self.store.set_command_stop(Stop(stopped=True, who="ann", why="", at=self.now))
        self.now += 1_000
        self.stopped = True

    @rule(worker=st.integers(0, 1))
    def commands_go_again(self, worker: int) -> None:
        self.stopped = False
        self.store.set_command_stop(Stop(stopped=False, who="ann", why="", at=self.now))
        self.now += 2_000
        held = {row.entity: Wake(row.entity, (row.command_id,)) for row in self.store.orders_in("held")}
        self.deliver(worker, list(held.values()))

    @invariant()
    def no_command_without_a_policy(self) -> None:
        published = {each.command.command_id: each.command for each in self.wire.published}
        for command in published.values():
            if command.reverts or command.cancels:
                assert (command.reverts or command.cancels) in published
            elif command.by != "policy":
                conditions = {row.condition for row in self.store.alarms_of(command.entity)}
                of_alarms = any((condition, command.kind) in ALLOWED for condition in conditions)
                assert command.kind == "schedule_inspection" or of_alarms
            else:
                assert (command.condition, command.kind) in ALLOWED

    @invariant()
    def no_destructive_command_without_two_people(self) -> None:
        for each in self.wire.published:
            command = each.command
            if command.kind in DESTRUCTIVE and not command.cancels:
                behind = {
                    entry.operation.who.strip().casefold()
                    for entry in self.store.latest_audit(9_999)
                    if entry.verdict == "applied"
                    and isinstance(entry.operation, CommandOperation)
                    and entry.operation.command_id == command.command_id
                    and entry.operation.action in {"send", "approve"}
                }
                assert len(behind - {"policy"}) >= 2

    @invariant()
    def what_has_expired_is_never_sent(self) -> None:
        assert all(each.at < each.command.expires_at for each in self.wire.published)

    @invariant()
    def limits_are_never_exceeded(self) -> None:
        first: dict[str, Publication] = {}
        for each in self.wire.published:
            if not (each.command.reverts or each.command.cancels):
                first.setdefault(each.command.command_id, each)
        times, of_each = defaultdict(list), defaultdict(list)
        for each in first.values():
            times[each.command.kind].append(each.at)
            of_each[each.command.kind, each.command.entity].append(each.at)
        for kind, (most, within) in LIMITS.items():
            assert densest(times[kind], within) <= most
        for (kind, _), at in of_each.items():
            if kind in LIMITS_EACH:
                most, within = LIMITS_EACH[kind]
                assert densest(at, within) <= most

    @invariant()
    def no_more_machines_than_the_blast_radius_are_stopped_at_once(self) -> None:
        published = {each.command.command_id for each in self.wire.published}
        without_effect = {"refused", "expired", "cancelled"}
        stopped = [
            order
            for name, order in self.orders.items()
            if order.command.kind == "stop_machine" and not order.is_errand and name in published
            if order.status not in without_effect
            and (order.command.expires_at + LASTS) > self.now
            and not self.is_undone(order)
        ]
        assert len(stopped) <= AT_ONCE

    def is_undone(self, order: Order) -> bool:
        return order.reverted_by is not None and self.last_words.get(order.reverted_by) == "succeeded"

    @invariant()
    def nothing_is_undone_twice(self) -> None:
        reverts = {e.command.command_id: e.command.reverts for e in self.wire.published if e.command.reverts}
        assert len(set(reverts.values())) == len(reverts)
        for target in reverts.values():
            assert self.orders[str(target)].status in {"succeeded", "timed_out", "refused", "expired"}

    @invariant()
    def what_was_cancelled_in_time_is_never_sent(self) -> None:
        published = {each.command.command_id for each in self.wire.published}
        for name, order in self.orders.items():
            if order.status in {"awaiting_approval", "dry_run"}:
                assert name not in published
            if order.status == "cancelled" and order.released_at is None:
                assert name not in published

    @invariant()
    def a_cancel_ends_a_command_or_asks_its_device(self) -> None:
        orders = self.orders
        for entry in self.store.latest_audit(9_999):
            operation = entry.operation
            assert isinstance(operation, CommandOperation)
            if operation.action == "cancel" and entry.verdict == "applied":
                order = orders[operation.command_id]
                assert order.cancelled_by is not None or order.status == "cancelled"

    @invariant()
    def nothing_but_requests_to_drop_goes_while_all_is_stopped(self) -> None:
        assert all(each.command.cancels for each in self.wire.published if each.stopped)

    @invariant()
    def the_first_last_word_stays(self) -> None:
        orders = self.orders
        for name, outcome in self.last_words.items():
            if not orders[name].command.cancels:
                assert orders[name].status == outcome

    @invariant()
    def no_command_is_forgotten(self) -> None:
        orders = self.orders
        assert self.ordered <= set(orders)
        self.ordered = set(orders)
        published = {each.command.command_id for each in self.wire.published}
        for order in orders.values():
            assert order.is_ended or due_at(order) is not None, "time ends what nobody else does"
            assert order.status != "queued" or order.command_id in published, "what may go was published"

    @invariant()
    def the_list_agrees_with_the_entities(self) -> None:
        for name, order in self.orders.items():
            row = self.store.order(name)
            assert row is not None
            if order.status == "queued":  # that it was sent is stored with the next change
                assert row.status in {"queued", "sent"}
            else:
                assert row.status == order.status
                assert row.due_at == due_at(order) or self.lags_by_a_second_sending(row, order)

    def lags_by_a_second_sending(self, row: OrderRow, order: Order) -> bool:
        """Whether a worker that did not know of the first sending has listed its own: it is looked at so much later."""
        sent = [each.at for each in self.wire.published if each.command.command_id == order.command_id]
        due = due_at(order)
        return row.due_at is not None and due is not None and 0 < row.due_at - due <= max(sent) - min(sent)

    @invariant()
    def every_operation_is_in_the_audit_once_and_its_first_decision_stays(self) -> None:
        entries = self.store.latest_audit(9_999)
        assert sorted(e.operation.operation_id for e in entries) == sorted(self.asked)
        for entry in entries:
            assert self.decided.setdefault(entry.operation.operation_id, entry) == entry

    def teardown(self) -> None:
        """Every command comes to an end once time passes."""
        if self.stopped:
            self.commands_go_again(0)
        for _ in range(60):
            self.now += 60_000
            self.deliver(0, due(self.store, self.now, 999))
        unended = {name: order.status for name, order in self.orders.items() if not order.is_ended}
        assert unended == {}, "no lost command"
        assert due(self.store, self.now + DAY_MS, 999) == []


TestOrdering = Ordering.TestCase
TestOrdering.settings = hypothesis_settings(max_examples=120, stateful_step_count=30, deadline=None)
