"""From a refused event to one that is taken: identity, difference, fix, trial, and sending it once."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as restruct

from ingest.door import Door
from ingest.errors import RetryLaterError
from ingest.memory import Bus, MemoryProducer
from ingest.settings import KafkaSettings
from models import dead_letters, events
from models.dead_letters import DeadLetter, payload_of
from models.events import Transaction
from pipeline.dead_letters import plans
from pipeline.dead_letters.difference import difference
from pipeline.dead_letters.functions import functions
from pipeline.dead_letters.letters import Letter, read
from pipeline.dead_letters.overview import grouped
from pipeline.dead_letters.plans import Plan
from pipeline.dead_letters.recipe import Recipe, fix_of, parsed
from pipeline.dead_letters.redrive import HASTE_MS, HEADER, Bench, Errand, Report, redrive
from pipeline.dead_letters.selection import Selection, the_one
from pipeline.dead_letters.trial import trial
from pipeline.errors import RefuseUsageError, ServerAwayError
from storage.memory_redrives import MemoryRedrives

NOW = 1_800_000_000_000
TOKEN = "tok_" + "0" * 24
GOOD: dict[str, Any] = {
    "type": "transaction", "event_id": "t1", "event_time": NOW, "card": TOKEN, "terminal": "T1", "amount": 5.5,
}  # fmt: skip
CARD = "4111 1111 1111 1111"
ERRAND = Errand("ann", "the till was wrong", "")


def wire(**changes: Any) -> bytes:
    held = {**GOOD, **changes}
    return json.dumps({name: value for name, value in held.items() if value is not ...}).encode()


def of_kafka(offset: int, payload: bytes, reason: str = "unknown_field") -> DeadLetter:
    return DeadLetter(
        reason=reason, detail="no such field", source="kafka", position=f"p-transactions/0/{offset}",
        payload=payload_of(payload), size=len(payload), rejected_at=NOW, topic="p-transactions", partition=0,
        offset=offset,
    )  # fmt: skip


class World:
    """A bus, a store and a clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.bus = Bus(KafkaSettings(bootstrap_servers="none:1", prefix="p-"), lambda: self.now)
        self.store = MemoryRedrives()
        self.ids = map(str, itertools.count())

    def refuse(self, *letters: DeadLetter) -> None:
        with self.bus.producer() as producer:
            for letter in letters:
                producer.send("dead-letters", letter.source, dead_letters.encode(letter))

    def letters(self) -> list[Letter]:
        return list(read(self.bus.read_all("dead-letters"), "p-"))

    def bench(self, producer: MemoryProducer | None = None, **fields: Any) -> Bench:
        bench = Bench(
            store=self.store,
            producer=producer or self.bus.producer(),
            read_since=self.bus.read_since,
            clock=lambda: self.now,
            new_id=lambda: next(self.ids),
            delivery_ms=120_000,
        )
        return replace(bench, **fields)

    def redrive(self, bench: Bench | None = None, recipe: Recipe | None = None) -> Report:
        fix = fix_of(recipe, functions(str)) if recipe else None
        return redrive(bench or self.bench(), (trial(each, fix, self.now) for each in self.letters()), ERRAND)

    def sent(self) -> list[tuple[str, str | None]]:
        """Return (event id, letter named by the header) of all transactions."""
        return [
            (events.decode(r.value).event_id, dict(r.headers).get(HEADER, b"").decode() or None)
            for r in self.bus.read_all("transactions")
        ]


@pytest.fixture
def world() -> World:
    return World()


def test_a_letter_delivered_twice_is_one(world: World) -> None:
    world.refuse(of_kafka(1, wire(pin=1)), of_kafka(2, wire(pin=1)), of_kafka(1, wire(pin=1)))
    first, second = world.letters()
    assert first.letter_id != second.letter_id
    assert (first.topic, first.position, first.written_at) == ("transactions", "p-dead-letters/0/0", NOW)


def test_letters_are_counted_by_what_is_wrong(world: World) -> None:
    with world.bus.producer() as producer:
        door = Door(producer, lambda: world.now)
        for n in range(3):
            door.raw(wire(amount="x"), "till.csv", n)
    world.refuse(of_kafka(1, b"{", "malformed_json"))
    known = world.letters()
    large, small = grouped(known, {known[0].letter_id})
    assert (large.reason, large.source, large.letters, large.redriven) == ("wrong_type", "till.csv", 3, 1)
    assert (small.reason, small.topic, small.letters) == ("malformed_json", "transactions", 1)


def test_letters_are_selected(world: World) -> None:
    world.refuse(of_kafka(1, wire(pin=1)))
    world.now += 10
    world.refuse(of_kafka(2, b"{", "malformed_json"))
    known = first, second = world.letters()
    assert list(Selection().of(known)) == known
    assert list(Selection(reasons=frozenset(["malformed_json"])).of(known)) == [second]
    assert list(Selection(sources=frozenset(["till.csv"])).of(known)) == []
    assert list(Selection(topics=frozenset(["transactions"]), since=NOW + 10).of(known)) == [second]
    assert list(Selection(until=NOW + 10).of(known)) == [first]
    assert list(Selection(exactly=frozenset([second.letter_id])).of(known)) == [second]
    assert the_one(known, first.letter_id[:6]) == first
    with pytest.raises(RefuseUsageError, match="no dead letter"):
        the_one(known, "zz")
    with pytest.raises(RefuseUsageError, match="begin with"):
        the_one(known, "")


def test_a_difference_names_every_field_and_masks_card_numbers() -> None:
    held = json.loads(wire(card=CARD, amount="12", terminal=..., pin=1234, note=f"paid by {CARD}"))
    found = {each.name: each for each in difference(held, Transaction)}
    problems = {name: each.problem for name, each in found.items()}
    assert problems == {
        "type": "fine", "event_id": "fine", "event_time": "fine", "card": "wrong", "terminal": "missing",
        "amount": "wrong", "pin": "unknown", "note": "unknown",
    }  # fmt: skip
    assert "Expected `float`, got `str`" in found["amount"].wanted
    assert found["terminal"].wanted == "text, 1 to 64 long"
    assert all("4111" not in (each.value or "") for each in found.values())
    assert found["note"].value == '"paid by <card number>"'


def letter(payload: bytes, **fields: Any) -> Letter:
    held = restruct(of_kafka(1, payload), **fields)
    return Letter("0123456789abcdef", held, "transactions", "p-dead-letters/0/0", NOW)


@pytest.mark.parametrize(
    ("payload", "recipe"),
    [
        (wire(pin=1), parsed((), (), ("pin",))),
        (wire(amount="1,250.5"), parsed((), ("amount=number(replace(amount, ',', ''))",), ())),
        (wire(terminal=..., shop="T9"), parsed(("shop=terminal",), (), ())),
        (wire(event_id=...), parsed((), ("event_id=letter_id",), ())),
        (wire(amount=float("nan")), parsed((), ("amount=default(finite(amount), 0)",), ())),
        (wire(type="payment"), parsed((), ("type='transaction'",), ())),
        (wire(event_time="2027-01-15T08:00:00Z"), parsed((), ("event_time=time(event_time)",), ())),
    ],
)
def test_a_fix_makes_an_event_that_the_door_takes(payload: bytes, recipe: Recipe) -> None:
    assert trial(letter(payload), None, NOW).event is None
    found = trial(letter(payload), fix_of(recipe, functions(str)), NOW)
    assert found.event is not None, found.detail
    assert found.changes
    assert events.decode(events.encode(found.event)) == found.event


@pytest.mark.parametrize(
    ("payload", "recipe", "reason"),
    [
        (wire(pin=1), parsed((), ("amount=-1",), ("pin",)), "out_of_range"),
        (wire(pin=1), parsed((), ("amount=nowhere",), ()), "not_fixable"),
        (wire(terminal="<card number>", pin=1), parsed((), (), ("pin",)), "not_fixable"),
        (wire(event_time=NOW + 86_400_000), parsed((), (), ("pin",)), "future_event_time"),
        (wire(amount=float("nan")), parsed((), (), ("pin",)), "not_finite"),
        (b"{", parsed((), (), ("pin",)), "malformed_json"),
        (b"[]", parsed((), (), ("pin",)), "wrong_type"),
        (wire(type=7), parsed((), (), ("pin",)), "unknown_type"),
        (wire(type=...), parsed((), (), ("pin",)), "missing_field"),
    ],
)
def test_what_a_fix_does_not_mend_stays_refused(payload: bytes, recipe: Recipe, reason: str) -> None:
    assert trial(letter(payload), fix_of(recipe, functions(str)), NOW).reason == reason


def test_measurements_are_fixed_by_their_path() -> None:
    reading = {
        "type": "reading",
        "event_id": "r",
        "event_time": NOW,
        "machine": "m",
        "measurements": {"a": "1", "b": 2},
    }
    recipe = parsed(
        ("measurements.b=measurements.c",), ("measurements.a=number(measurements.a)",), ("measurements.d",)
    )
    found = trial(letter(json.dumps(reading).encode()), fix_of(recipe, functions(str)), NOW)
    assert found.event is not None
    assert found.event.measurements == {"a": 1.0, "c": 2.0}  # type: ignore[attr-defined]


def test_a_letter_that_kept_only_a_beginning_can_not_be_sent() -> None:
    assert trial(letter(wire(), size=9_000), None, NOW).reason == "not_whole"


def test_a_record_that_was_no_event_can_not_be_sent() -> None:
    assert trial(replace(letter(wire()), topic="scores"), None, NOW).reason == "no_event"


@pytest.mark.parametrize("text", ["amount", "=1", "amount=", " = "])
def test_a_change_without_two_sides_is_refused(text: str) -> None:
    with pytest.raises(RefuseUsageError, match="FIELD=EXPRESSION"):
        parsed((), (text,), ())


def test_a_plan_is_kept_by_a_name_of_its_own(tmp_path: Path) -> None:
    plan = Plan(parsed(("a=b",), ("c=d",), ("e",)), ("l1", "l2"))
    name = plans.keep(tmp_path / "fixes", plan)
    assert plans.keep(tmp_path / "fixes", plan) == name
    assert plans.load(tmp_path / "fixes", name) == plan
    with pytest.raises(RefuseUsageError, match="no fix"):
        plans.load(tmp_path / "fixes", "../fixes/x")
    (tmp_path / "fixes" / f"{name}.json").write_text("{")
    with pytest.raises(RefuseUsageError, match="damaged"):
        plans.load(tmp_path / "fixes", name)


def fixable(world: World, count: int) -> Recipe:
    world.refuse(*(of_kafka(n, wire(pin=n, event_id=f"t{n}")) for n in range(count)))
    return parsed((), (), ("pin",))


def test_letters_are_sent_once_with_their_names_and_an_audit(world: World) -> None:
    recipe = fixable(world, 3)
    report = world.redrive(recipe=recipe)
    assert dict(report.sent) == {"transactions": 3}
    names = [each.letter_id for each in world.letters()]
    assert world.sent() == [(f"t{n}", names[n]) for n in range(3)]
    assert world.redrive(recipe=recipe) == Report(already=3)
    assert len(world.sent()) == 3
    entry = world.store.of(names[1])
    assert entry is not None
    assert (entry.who, entry.why, entry.event_id, entry.reason) == (*ERRAND[:2], "t1", "unknown_field")
    assert (entry.sent_at, entry.partition, entry.offset) == (NOW, 0, 1)


def test_what_is_refused_again_is_counted_and_makes_no_new_letter(world: World) -> None:
    fixable(world, 2)
    assert world.redrive() == Report(refused=Counter(unknown_field=2))
    assert len(world.letters()) == 2
    assert list(world.store.all()) == []


class Failing(MemoryProducer):
    """A producer whose records arrive, or not, and whose flush fails."""

    def __init__(self, bus: Bus, *, arrive: bool) -> None:
        super().__init__(bus)
        self._arrive = arrive

    def send(self, *args: Any, **fields: Any) -> None:
        if self._arrive:
            super().send(*args, **fields)

    def flush(self) -> None:
        raise RetryLaterError("Kafka is away")


@pytest.mark.parametrize("arrive", [True, False])
def test_a_broken_attempt_is_finished_later_and_nothing_comes_twice(world: World, *, arrive: bool) -> None:
    recipe = fixable(world, 3)
    with pytest.raises(RetryLaterError):
        world.redrive(world.bench(Failing(world.bus, arrive=arrive)), recipe)
    assert world.redrive(recipe=recipe) == Report(under_way=3)
    world.now += world.bench().lease_ms + 1
    report = world.redrive(recipe=recipe)
    assert (report.found, report.already, report.sent.total()) == ((3, 3, 0) if arrive else (0, 0, 3))
    assert [event for event, _ in world.sent()] == ["t0", "t1", "t2"]
    assert world.redrive(recipe=recipe) == Report(already=3)


def test_of_two_who_recover_one_sends(world: World) -> None:
    recipe = fixable(world, 1)
    with pytest.raises(RetryLaterError):
        world.redrive(world.bench(Failing(world.bus, arrive=False)), recipe)
    world.now += world.bench().lease_ms + 1

    def other_was_faster(topic: Any, since: int) -> Iterator[Any]:
        found = list(world.bus.read_since(topic, since))
        world.redrive(recipe=recipe)
        return iter(found)

    assert world.redrive(world.bench(read_since=other_was_faster), recipe) == Report(under_way=1)
    assert len(world.sent()) == 1


def test_who_was_held_up_after_the_claim_sends_nothing(world: World) -> None:
    recipe = fixable(world, 1)
    bench = world.bench()
    claim: Callable[..., Any] = world.store.claim

    def slow(wanted: Any) -> Any:
        held = claim(wanted)
        world.now += HASTE_MS + 1
        return held

    world.store.claim = slow  # type: ignore[method-assign]
    with pytest.raises(ServerAwayError, match="too slow"):
        world.redrive(bench, recipe)
    assert world.sent() == []
