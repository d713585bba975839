"""Commands follow their policy: who has to agree, what keeps them back, and what time and devices do to them."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from actors.decisions import advance, decide, mark_sent, orders_of, queued
from actors.items import Wake
from actors.order_permits import Denied, rules_of
from actors.order_release import Rules
from models.actions import Ack, Outcome
from models.operations import CommandAction, CommandOperation
from models.orders import Order
from models.policies.policies import Policies, parse
from models.scores import Score
from storage.entities import EMPTY, Change, Snapshot
from storage.errors import StaleWriteError
from storage.memory import MemoryEntityStore

NOW = 20_000 * 86_400_000
Alert = Callable[..., Score]


class Entity:
    """One entity under a file of policies, with a clock of its own."""

    def __init__(self, text: str) -> None:
        self.policies: Policies = parse(text, "this test")
        self.snapshot: Snapshot = EMPTY
        self.now = NOW
        self.asked = 0

    def take(self, *messages: Any, stopped: bool = False, heard: int | None = None) -> None:
        change = decide("m1", self.snapshot, messages, self.now, self.policies, stopped=stopped, heard=heard)
        if change is not None:
            self.snapshot = advance(self.snapshot, change, self.snapshot.version + 1)

    def wait(self, ms: int, *, stopped: bool = False, heard: int | None = None) -> None:
        self.now += ms
        self.take(Wake("m1"), stopped=stopped, heard=heard)

    def operate(self, action: CommandAction, who: str, command_id: str = "c1", **fields: Any) -> str:
        self.asked += 1
        values = {"entity": "m1", "why": "seen", "asked_at": self.now, "expires_at": self.now + 9}
        operation = CommandOperation(
            operation_id=f"o{self.asked}",
            action=action,
            who=who,
            command_id=command_id,
            **{**values, **fields},
        )
        self.take(operation)
        return next(o.body for o in self.snapshot.operations if o.operation_id == operation.operation_id)

    def answer(self, order: Order, outcome: Outcome) -> None:
        self.take(Ack(command_id=order.command_id, entity="m1", outcome=outcome, reason="", at=self.now))

    @property
    def orders(self) -> list[Order]:
        found = orders_of(self.snapshot).values()
        return sorted(found, key=lambda order: (order.command.issued_at, order.command_id))

    @property
    def only(self) -> Order:
        (order,) = self.orders
        return order


def entity(terms: str, *, models: str = "fraud", command: str = "block_card") -> Entity:
    return Entity(f'[[commands]]\nmodels = "{models}"\ncommand = "{command}"\n{terms}')


STOP = 'mode = "approval"\ntwo_people = true'


def test_an_alarm_below_the_severity_leads_to_nothing_and_an_escalation_to_one_command(alert: Alert) -> None:
    one = entity('severity = "high"\n[alarms.fraud]\nseverities = { high = 0.8 }')
    one.take(alert("e1", "m1", score=0.6))
    assert one.orders == []
    one.take(alert("e2", "m1", score=0.9))
    one.take(alert("e3", "m1", score=0.95))
    assert one.only.status == "queued"


def test_a_dry_run_is_noted_and_never_published(alert: Alert) -> None:
    one = entity('mode = "dry_run"')
    one.take(alert("e1", "m1"))
    assert (one.only.status, queued(one.snapshot)) == ("dry_run", [])


def test_two_different_people_have_to_approve_what_a_policy_orders(alert: Alert) -> None:
    one = entity(STOP, command="stop_machine")
    one.take(alert("e1", "m1"))
    name = one.only.command_id
    assert "awaiting_approval" in one.operate("approve", "ann", name)
    assert "has approved it already" in one.operate("approve", " ANN", name)
    assert one.only.status == "awaiting_approval"
    one.operate("approve", "bob", name)
    assert (one.only.status, one.only.approvals) == ("queued", ("ann", "bob"))


def test_whoever_sends_by_hand_does_not_approve_it(alert: Alert) -> None:
    one = entity(STOP + "\nmanual = true", command="stop_machine")
    one.operate("send", "ann", kind="stop_machine")
    assert "another one has to approve it" in one.operate("approve", "Ann", "c1")
    assert "nobody is called" in one.operate("approve", "policy", "c1")
    one.operate("approve", "bob", "c1")
    assert one.only.status == "queued"


def test_a_command_by_hand_needs_a_policy_and_a_reason(alert: Alert) -> None:
    one = entity("")
    assert "no policy allows block_card for an entity without alarms" in one.operate(
        "send", "ann", kind="block_card"
    )
    one.take(alert("e1", "m1"))
    assert "needs a reason" in one.operate("send", "ann", kind="block_card", why=" ")
    assert "no policy allows stop_machine" in one.operate("send", "ann", kind="stop_machine")
    one.operate("send", "ann", "c2", kind="block_card")
    assert {order.command.by for order in one.orders} == {"policy", "ann"}


def test_quiet_hours_hold_until_they_end_or_it_has_expired(alert: Alert) -> None:
    for expires, status in (("2h", "queued"), ("30m", "expired")):
        one = entity(f'expires_after = "{expires}"\nquiet_hours = [{{ start = "23:30", end = "01:00" }}]')
        one.take(alert("e1", "m1"))
        assert (one.only.status, one.only.waits_for, one.only.look_at) == (
            "held",
            "quiet_hours",
            NOW + 3_600_000,
        )
        one.wait(3_600_000)
        assert one.only.status == status


def test_a_limit_for_one_entity_holds_what_is_beyond_until_its_time_has_passed() -> None:
    one = entity('manual = true\nper_entity = { most = 1, within = "10m" }')
    for name in ("c1", "c2"):
        one.operate("send", "ann", name, kind="block_card")
    assert [(order.status, order.waits_for) for order in one.orders] == [
        ("queued", None),
        ("held", "entity_limit"),
    ]
    one.wait(600_000)
    assert [order.status for order in one.orders] == ["queued", "queued"]


def test_a_stop_holds_what_is_not_published_and_lets_requests_to_drop_go(alert: Alert) -> None:
    one = entity("")
    one.take(alert("e1", "m1"), stopped=True)
    assert (one.only.status, one.only.waits_for) == ("held", "stop")
    one.wait(1)
    assert one.only.status == "queued"
    one.operate("cancel", "ann", one.only.command_id)
    one.wait(1, stopped=True)
    published = [order.command.cancels for order in queued(one.snapshot)]
    assert published == [order.command_id for order in one.orders if order.command.cancels is None]


def test_what_was_not_let_go_is_cancelled_at_once_and_never_goes(alert: Alert) -> None:
    one = entity('quiet_hours = [{ start = "23:30", end = "00:10" }]')
    one.take(alert("e1", "m1"))
    assert '"after":"cancelled"' in one.operate("cancel", "ann", one.only.command_id)
    one.wait(700_000)
    assert (one.only.status, one.only.reason) == ("cancelled", "by ann: seen")
    assert queued(one.snapshot) == []


def test_a_device_is_asked_to_drop_what_it_may_have(alert: Alert) -> None:
    for outcome, of_request in (("cancelled", "succeeded"), ("succeeded", "refused")):
        one = entity("")
        one.take(alert("e1", "m1"))
        target = one.only
        one.operate("cancel", "ann", target.command_id)
        one.answer(target, outcome)
        by_id = {order.command_id: order for order in one.orders}
        after = by_id[target.command_id]
        assert (after.status, by_id[str(after.cancelled_by)].status) == (outcome, of_request)


def test_a_success_is_undone_after_its_time_once(alert: Alert) -> None:
    one = entity('revert_after = "5m"')
    one.take(alert("e1", "m1"))
    one.answer(one.only, "succeeded")
    one.wait(300_000)
    one.wait(1)
    done, revert = one.orders
    assert (revert.command.kind, revert.command.reverts, revert.status) == (
        "unblock_card",
        done.command_id,
        "queued",
    )
    assert "undoes it already" in one.operate("revert", "ann", done.command_id)


@pytest.mark.parametrize(("after_ms", "effect"), [(500, "awaited"), (5_000, "ineffective")])
def test_later_events_of_the_condition_deny_the_effect(alert: Alert, after_ms: int, effect: str) -> None:
    one = entity('verify_within = "10m"\nverify_grace = "1s"')
    one.take(alert("e1", "m1"))
    one.answer(one.only, "succeeded")
    one.take(replace(alert("e2", "m1"), event_time=NOW + after_ms))
    assert one.only.effect == effect
    one.wait(600_000)
    assert one.only.effect == {"awaited": "verified"}.get(effect, effect)


def test_no_last_word_times_out_and_a_later_one_counts(alert: Alert) -> None:
    one = entity('timeout = "1m"')
    one.take(alert("e1", "m1"))
    one.wait(60_000)
    assert one.only.status == "timed_out"
    one.answer(one.only, "refused")
    one.answer(one.only, "succeeded")
    assert one.only.status == "refused"


def test_an_answer_that_nobody_has_taken_yet_is_no_silence(alert: Alert) -> None:
    one = entity('timeout = "1m"\nretry = { first = "10s", longest = "1m", times = 5 }')
    one.take(alert("e1", "m1"))
    sent = mark_sent(one.snapshot, [one.only.command_id], Rules(one.policies, NOW))
    assert sent is not None
    one.snapshot = advance(one.snapshot, sent, 1)
    one.wait(70_000, heard=NOW + 9_999)
    assert one.only.status == "sent"
    one.wait(0, heard=NOW + 10_000)
    assert one.only.status == "queued", "sent again, as no answer has come for so long"
    one.wait(0, heard=NOW + 60_000)
    assert one.only.status == "timed_out"


def test_an_order_whose_policy_is_gone_is_not_sent(alert: Alert) -> None:
    one = entity('quiet_hours = [{ start = "23:30", end = "00:10" }]')
    one.take(alert("e1", "m1"))
    one.policies = parse("", "another file")
    one.wait(700_000)
    assert (one.only.status, "not in force" in one.only.reason) == ("cancelled", True)


def test_a_zombie_cannot_send_what_its_entity_has_cancelled(alert: Alert) -> None:
    one, store = entity('quiet_hours = [{ start = "23:30", end = "00:10" }]'), MemoryEntityStore(lambda: NOW)
    one.take(alert("e1", "m1"))
    stale = one.snapshot
    row = stale.commands
    store.save("m1", 0, Change(state=str(stale.state), commands=row))
    one.operate("cancel", "ann", one.only.command_id)
    store.save("m1", 1, Change(state=str(one.snapshot.state), commands=one.snapshot.commands))
    release = decide("m1", stale, [Wake("m1")], NOW + 700_000, one.policies)
    assert release is not None
    assert [each.status for each in release.commands] == ["queued"]
    with pytest.raises(StaleWriteError):
        store.save("m1", 1, release)
    assert [each.status for each in store.load("m1").commands] == ["cancelled"]


def test_a_share_of_a_fleet_is_that_of_the_registered_machines(alert: Alert) -> None:
    one = entity("blast_radius = { percent = 10 }")
    one.take(alert("e1", "m1"))
    (policy,) = one.policies.commands
    rules = rules_of(one.only, policy, NOW, lambda _: ("pump", 57))
    assert isinstance(rules, list)
    assert [(rule.name, rule.most) for rule in rules] == [("blast/block_card/fraud/pump", 5)]
    unknown = rules_of(one.only, policy, NOW, lambda _: None)
    assert isinstance(unknown, Denied)
    assert "not in the machine register" in unknown.reason
