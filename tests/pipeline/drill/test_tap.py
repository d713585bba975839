"""The tap: what it keeps of the topics, in memory; how far others have come; and the ledger beside it."""

import itertools

import msgspec
import pytest

from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models import dead_letters, events
from models.actions import Ack, Command, encode
from models.dead_letters import DeadLetter
from models.events import Transaction
from pipeline.drill.ledger import Ledger, LedgerProducer
from pipeline.drill.recompute import Recomputation
from pipeline.drill.tap import READ, Tap

NOW = 1_800_000_000_000
SALE = Transaction(event_id="e1", event_time=NOW, card="tok_" + "0" * 24, terminal="T1", amount=10.0)
SCORE = 1.0 + 1 / 1_000 + 10 / 10_000
"""What the model says of a first payment of 10."""


class Small:
    """A tap on a bus."""

    def __init__(self) -> None:
        self.time_s = 0.0
        ticks = itertools.count(NOW)
        self.bus = Bus(KafkaSettings(bootstrap_servers="none", prefix="t-"), lambda: next(ticks))
        self.ledger = Ledger(lambda: self.time_s)
        self.inner = self.bus.producer()
        self.producer = LedgerProducer(self.inner, self.ledger)
        self.tap = Tap("t-", self.ledger, Recomputation(NOW, once=False), Recomputation(NOW, once=True))
        self.consumer = self.bus.consumer("drill", list(READ))

    def listen(self) -> None:
        self.tap.take(self.consumer.poll(1_000, 0))

    def score(self, value: float, *, events_seen: int = 1, offset: int = 0) -> None:
        said = {
            "event_id": "e1",
            "entity": SALE.card,
            "score": value,
            "threshold": 0.5,
            "arrivals": {"terminal_events": events_seen, "terminal_labels": 0},
            "partition": 0,
            "offset": offset,
        }
        for topic in ("scores", "alerts"):
            self.inner.send(topic, SALE.card, msgspec.json.encode(said))


@pytest.fixture
def small() -> Small:
    return Small()


def test_an_event_waits_from_its_acknowledgement_until_it_is_seen_scored(small: Small) -> None:
    small.producer.send("transactions", SALE.card, events.encode(SALE))
    small.time_s = 5.0
    assert small.ledger.oldest_s() == 5.0
    assert (small.ledger.sent, small.ledger.acked) == ({"e1"}, set())
    small.producer.flush()
    small.time_s = 7.0
    assert small.ledger.acked == {"e1"}
    assert small.ledger.oldest_s() == 2.0
    small.score(SCORE)
    small.listen()
    assert small.ledger.oldest_s() == 0.0
    assert small.tap.heard.last == {"e1": SCORE}
    assert small.tap.heard.over == {"e1"}
    assert small.tap.heard.alerts == {"e1": SALE.card}


def test_a_score_that_overtakes_its_acknowledgement_does_not_wait_forever(small: Small) -> None:
    small.producer.send("transactions", SALE.card, events.encode(SALE))
    small.score(SCORE)
    small.listen()
    small.producer.flush()
    assert small.ledger.waiting == {}


def test_a_right_score_differs_by_nothing_and_a_wrong_one_by_what_it_is_off(small: Small) -> None:
    small.producer.send("transactions", SALE.card, events.encode(SALE))
    small.score(SCORE)
    small.score(SCORE + 0.5)
    small.listen()
    right, wrong = map(small.tap.differences, small.tap.fresh())
    assert right == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))
    assert wrong[0] > 0.4
    assert small.tap.fresh() == []


def test_an_event_sent_again_is_counted_as_arrived_and_once(small: Small) -> None:
    for _ in range(2):
        small.producer.send("transactions", SALE.card, events.encode(SALE))
    small.score(1.0 + 2 / 1_000 + 10 / 10_000, events_seen=2, offset=1)
    small.listen()
    as_arrived, once = small.tap.differences(small.tap.fresh()[0])
    assert as_arrived < 1e-9
    assert once == float("inf")
    assert small.tap.count("transactions") == 2
    assert len(small.ledger.sent) == 1


def test_records_that_come_a_second_time_are_left_out_and_gaps_counted(small: Small) -> None:
    small.producer.send("transactions", SALE.card, events.encode(SALE))
    records = small.consumer.poll(10, 0)
    small.tap.take([*records, *records, records[0]._replace(offset=5)])
    assert small.tap.count("transactions") == 1
    assert small.tap.gaps == 1


def test_the_oldest_record_that_a_group_has_not_committed_gives_its_lag(small: Small) -> None:
    for _ in range(3):
        small.score(SCORE)
    small.listen()
    (where,) = [(r.topic, r.partition) for r in list(small.bus.read_all("scores"))[:1]]
    times = [r.timestamp_ms for r in small.bus.read_all("scores")]
    assert small.tap.oldest_ms("scores", {}) == times[0]
    assert small.tap.oldest_ms("scores", {where: 2}) == times[2]
    assert small.tap.oldest_ms("scores", {where: 3}) is None
    assert small.tap.oldest_ms("commands", {}) is None


def test_commands_answers_and_dead_letters_are_kept_and_poison_is_noted(small: Small) -> None:
    command = Command(
        command_id="c1", kind="block_card", entity="card", issued_at=1, expires_at=2, alarm_id="a1"
    )
    small.inner.send("commands", "card", encode(command))
    ack = Ack(command_id="c1", entity="card", outcome="succeeded", reason="done", at=3)
    small.inner.send("acks", "card", encode(ack))
    for topic in ("transactions", "scores", "alerts", "commands", "acks"):
        small.producer.poison(topic, b"{")  # type: ignore[arg-type] # known topics
    small.producer.flush()
    where = next(place for place in small.ledger.poison if place[0] == "scores")
    letter = DeadLetter(
        reason="malformed_json", detail="", source="kafka", position="", payload="", size=1, rejected_at=1,
        topic=f"t-{where[0]}", partition=where[1], offset=where[2],
    )  # fmt: skip
    small.inner.send("dead-letters", "kafka", dead_letters.encode(letter))
    small.listen()
    assert [(c.command_id, c.alarm_id) for c in small.tap.heard.commands] == [("c1", "a1")]
    assert small.tap.heard.answered == {"c1"}
    assert small.tap.heard.dead == {where}
    assert len(small.ledger.poison) == 5
    assert small.ledger.oldest_s() == 0.0
