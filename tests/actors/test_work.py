"""Each step of a batch is interrupted, before and after it takes effect; the same batch then comes again."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from actors import entity as entities
from actors.alarm import Alarm
from actors.decisions import orders_of, queued
from actors.errors import StoppingError
from actors.items import Refusal, Wake
from actors.settings import ActorSettings
from actors.work import MOST_OF_ENTITY, Work
from ingest.errors import RetryLaterError as KafkaAwayError
from ingest.ports import Record
from models.actions import Ack
from models.errors import RejectEventError
from models.scores import Score
from storage.errors import RetryLaterError as StoreAwayError
from storage.memory import MemoryEntityStore
from storage.one_by_one import OneByOne

CARD = "tok_" + "0" * 24


class CrashError(Exception):
    pass


class Faulty(OneByOne):
    """Passes calls on and raises at the n-th call of one method, before or after it took effect."""

    def __init__(self, inner: Any, method: Any, call: Any, *, after: Any, error: Any = CrashError) -> None:
        self._inner, self._method, self._call = inner, method, call
        self._after, self._error = after, error

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)
        if name != self._method:
            return real

        def faulty(*args: Any, **kwargs: Any) -> Any:
            self._call -= 1
            if self._call == 0 and not self._after:
                raise self._error(name)
            result = real(*args, **kwargs)
            if self._call == 0:
                raise self._error(name)
            return result

        return faulty


def ack_of(command: Any, outcome: Any = "succeeded") -> Ack:
    return Ack(
        command_id=command.command_id,
        entity=command.entity,
        outcome=outcome,
        reason=f"{outcome} it is",
        at=7,
    )


def the_alarm(store: MemoryEntityStore, entity: str = CARD) -> Alarm:
    (found,) = entities.decode(store.load(entity).state).alarms.by_condition.values()
    return found


def reason_of(store: MemoryEntityStore, command_id: str) -> str:
    return orders_of(store.load(CARD))[command_id].reason


def test_a_batch_is_saved_published_and_listed(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    make_work(store, producer)([alert("e1"), alert("e2"), alert("e1"), alert("e3", entity="other")])
    snapshot = store.load(CARD)
    assert snapshot.alerts == {"e1/fraud", "e2/fraud"}
    assert snapshot.version == 1, "one save for all alerts of the entity and its command"
    assert producer.flushes == 1, "one wait for all commands of the batch"
    assert {c.entity for c in producer.commands()} == {CARD, "other"}
    assert {(row.entity, row.alerts, row.command_status) for row in store.latest_alarms(9)} == {
        (CARD, 2, "sent"),
        ("other", 1, "sent"),
    }


def test_many_alerts_of_one_card_are_few_enough_in_each_write(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    make_work(store, producer)([alert(f"e{n}") for n in range(2 * MOST_OF_ENTITY + 1)])
    snapshot = store.load(CARD)
    assert len(snapshot.alerts) == 2 * MOST_OF_ENTITY + 1
    assert snapshot.version >= 3
    assert len(producer.commands()) == 1


def test_alerts_seen_before_change_nothing(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    work = make_work(store, producer)
    work([alert("e1"), alert("e2")])
    before = store.load(CARD)
    work([alert("e2"), alert("e1")])
    assert len(producer.commands()) == 1
    make_work(store, producer)([alert("e1")])
    assert store.load(CARD) == before


def test_an_answer_is_recorded_once_on_alarm_command_and_list(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    work = make_work(store, producer)
    work([alert("e1")])
    (command,) = producer.commands()
    work([ack_of(command, "refused"), ack_of(command, "succeeded")])
    work([ack_of(command, "expired")])
    snapshot = store.load(CARD)
    assert [row.status for row in snapshot.commands] == ["refused"]
    assert reason_of(store, command.command_id) == "refused it is"
    assert [row.command_status for row in store.latest_alarms(9)] == ["refused"]
    assert snapshot.version == 2, "late answers save nothing"


STEPS = [
    ("store", "load", 1),
    ("store", "save", 1),
    ("producer", "send", 1),
    ("producer", "send", 2),
    ("producer", "settle", 1),
    ("store", "save", 2),
    ("store", "record_order", 1),
    ("store", "record_alarm", 1),
    ("store", "record_alarm", 2),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("where", "method", "call"), STEPS, ids=[f"{m}{n}" for _, m, n in STEPS])
def test_a_crash_at_any_step_loses_nothing_and_does_nothing_twice(
    make_work: Callable[..., Work],
    store: MemoryEntityStore,
    producer: Any,
    alert: Callable[..., Score],
    *,
    where: Any,
    method: Any,
    call: Any,
    after: Any,
) -> None:
    batch = [alert("e1"), alert("e2"), alert("e3", entity="other")]
    broken = {"store": store, "producer": producer}
    broken[where] = Faulty(broken[where], method, call, after=after)
    with pytest.raises(CrashError):
        make_work(**broken)(batch)

    make_work(store, producer)(batch)

    for entity, alerts in ((CARD, 2), ("other", 1)):
        snapshot = store.load(entity)
        assert len(snapshot.alerts) == the_alarm(store, entity).alerts == alerts
        (row,) = snapshot.commands
        assert {c.command_id for c in producer.commands() if c.entity == entity} == {row.command_id}
    assert {(row.alerts, row.command_status) for row in store.latest_alarms(9)} == {(2, "sent"), (1, "sent")}


def test_a_crash_between_save_and_publish_leaves_a_queued_command_that_the_redo_publishes(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    with pytest.raises(CrashError):
        make_work(store, Faulty(producer, "send", 1, after=False))([alert("e1")])
    (order,) = queued(store.load(CARD))
    assert producer.commands() == []
    make_work(store, producer)([alert("e1")])
    assert producer.commands() == [order.command]


def test_that_a_command_was_sent_is_stored_with_the_next_save(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    work = make_work(store, producer)
    work([alert("e1")])
    assert [row.status for row in store.load(CARD).commands] == ["queued"]
    work([alert("e2")])
    assert [row.status for row in store.load(CARD).commands] == ["sent"]
    make_work(store, producer)([alert("e3")])
    assert len(producer.commands()) == 1, "another worker knows it"


def test_rows_that_stand_in_the_lists_are_not_written_again_until_another_worker_was_there(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    written: list[str] = []

    class Noting(OneByOne):
        def __getattr__(self, name: str) -> Any:
            written.append(name)
            return getattr(store, name)

    def orders_written(work: Work, item: Any) -> int:
        written.clear()
        work([item])
        return written.count("record_order")

    here, there = make_work(Noting(), producer), make_work(Noting(), producer)
    assert orders_written(here, alert("e1")) == 1
    assert orders_written(here, alert("e2")) == 0
    assert orders_written(there, alert("e3")) == 1
    assert orders_written(here, alert("e4")) == 1
    (command, *_) = producer.commands()
    assert orders_written(here, ack_of(command)) == 1
    assert orders_written(here, Wake(CARD, (command.command_id,))) == 1, "whoever asks may see old rows"
    assert [(row.alerts, row.command_status) for row in store.latest_alarms(9)] == [(4, "succeeded")]


def test_a_worker_that_does_not_know_that_a_command_was_sent_sends_the_same_bytes_again(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    make_work(store, producer)([alert("e1")])
    make_work(store, producer)([alert("e1")])
    first, second = (value for topic, value in producer.sent if topic == "commands")
    assert first == second


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("where", "method", "call"), STEPS, ids=[f"{m}{n}" for _, m, n in STEPS])
def test_servers_away_at_any_step_only_delay_the_batch(
    make_work: Callable[..., Work],
    store: MemoryEntityStore,
    producer: Any,
    alert: Callable[..., Score],
    *,
    where: Any,
    method: Any,
    call: Any,
    after: Any,
) -> None:
    error = StoreAwayError if where == "store" else KafkaAwayError
    broken = {"store": store, "producer": producer}
    broken[where] = Faulty(broken[where], method, call, after=after, error=error)
    make_work(**broken)([alert("e1"), alert("e3", entity="other")])
    assert [the_alarm(store, entity).alerts for entity in (CARD, "other")] == [1, 1]
    assert {row.command_status for row in store.latest_alarms(9)} == {"sent"}
    assert len({c.command_id for c in producer.commands()}) == 2


def test_a_command_that_kafka_did_not_acknowledge_is_not_marked_sent(
    make_work: Callable[..., Work],
    store: MemoryEntityStore,
    producer: Any,
    alert: Callable[..., Score],
    stop: threading.Event,
) -> None:
    class Deaf:
        sent = 0

        def send(self, *args: Any, **kwargs: Any) -> None:
            self.sent += 1
            if self.sent == 6:
                stop.set()

        def settle(self, done: Callable[[], bool]) -> None:
            pass

    deaf = Deaf()
    with pytest.raises(StoppingError):
        make_work(store, deaf)([alert("e1")])
    assert deaf.sent == 6, "a command and a change, three times"
    assert [row.status for row in store.load(CARD).commands] == ["queued"]


def test_a_stopping_worker_leaves_what_it_can_not_do(
    make_work: Callable[..., Work],
    store: MemoryEntityStore,
    producer: Any,
    alert: Callable[..., Score],
    stop: threading.Event,
) -> None:
    stop.set()
    with pytest.raises(StoppingError, match="1 messages left undone"):
        make_work(Faulty(store, "load", 1, after=False, error=StoreAwayError), producer)([alert("e1")])


def test_another_writer_makes_the_entity_be_decided_anew(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    here, there = make_work(store, producer), make_work(store, producer)
    here([alert("e1")])
    there([alert("e2")])
    here([alert("e3"), alert("e2")])
    command, *others = producer.commands()
    assert others == [command] * len(others), "who does not know that it was sent sends the very same"
    there([ack_of(command)])
    here([alert("e4")])
    assert the_alarm(store).alerts == 4
    assert reason_of(store, command.command_id) == "succeeded it is"
    assert [row.status for row in store.load(CARD).commands] == ["succeeded"]


def test_an_answer_to_a_command_that_another_worker_queued_is_not_lost_to_an_old_snapshot(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    here, there = make_work(store, producer), make_work(store, producer)
    here([alert("e1")])
    there([alert("e2", model="other")])
    command = producer.commands()[-1]
    here([ack_of(command)])
    statuses = {row.command_id: row.status for row in store.load(CARD).commands}
    assert statuses[command.command_id] == "succeeded"


def test_what_is_no_alert_is_rejected_and_the_rest_goes_on(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    rejected = []
    record = Record("alerts", 0, 7, None, b"{", 1)
    refusal = Refusal(record=record, error=RejectEventError("malformed_json", "truncated"))
    make_work(store, producer, lambda r, e: rejected.append((r.position, e.reason)))([refusal, alert("e1")])
    assert rejected == [("alerts/0/7", "malformed_json")]
    assert the_alarm(store).alerts == 1


def test_snapshots_beyond_the_limit_are_loaded_again(
    make_work: Callable[..., Work],
    store: MemoryEntityStore,
    producer: Any,
    alert: Callable[..., Score],
    settings: ActorSettings,
) -> None:
    work = make_work(store, producer, settings=settings.model_copy(update={"entities": 4}))
    for turn in range(3):
        for number in range(6):
            work([alert(f"e{turn}", entity=f"card{number}")])
    assert [the_alarm(store, f"card{n}").alerts for n in range(6)] == [3] * 6
    assert len(work._snapshots._kept) == 1
