import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.bridges.errand import Errand, Word
from actors.bridges.simulated import SimulatedDevices
from actors.gateway import Gateway, run_gateway
from actors.ledger import Ledger
from actors.ledger_file import open_ledger
from actors.settings import GatewaySettings
from ingest.errors import RetryLaterError, StopProcessError
from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models.actions import Ack, Command, decode_ack, encode


def command(number: int, **fields: Any) -> Command:
    values = {"kind": "block_card", "entity": f"card-{number}", "issued_at": 1, "expires_at": 10**9}
    return Command(**{**values, "command_id": f"command-{number}", **fields})


def cancel(number: int, **fields: Any) -> Command:
    values = {"entity": f"card-{number}", "cancels": f"command-{number}", **fields}
    return command(number, command_id=f"cancel-{number}", **values)


@pytest.fixture
def bus(clock: Callable[[], int]) -> Bus:
    return Bus(KafkaSettings(bootstrap_servers="nowhere:1"), clock)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def gateway(bus: Bus, ledger: Ledger, stop: threading.Event) -> Callable[..., list[str]]:
    """Run the gateway until the commands are committed; return what it rejected."""

    def run(settings: GatewaySettings | None = None, producer: Any = None) -> list[str]:
        rejected: list[str] = []
        chosen = settings or GatewaySettings(refuse_probability=0, retry_first_s=0.001)
        clock = itertools.count(100).__next__
        stop.clear()
        with bus.consumer("gateway", ["commands"]) as consumer:
            polled = consumer.poll

            def poll(most: int, _timeout_s: float) -> list[Any]:
                records = polled(most, 0)
                if not records:
                    stop.set()
                return records

            consumer.poll = poll  # type: ignore[method-assign]
            run_gateway(
                consumer,
                producer or bus.producer(),
                Gateway(ledger, SimulatedDevices(chosen, clock), clock, grace_ms=0),
                chosen,
                stop,
                reject=lambda record, error: rejected.append(f"{record.position} {error.reason}"),
            )
        return rejected

    return run


def send(bus: Bus, *commands: Command) -> None:
    with bus.producer() as producer:
        for item in commands:
            producer.send("commands", item.entity, encode(item))


def acks(bus: Bus) -> list[Ack]:
    return [decode_ack(record.value) for record in bus.read_all("acks")]


def test_each_command_is_answered_and_takes_effect_once(
    bus: Bus, ledger: Ledger, gateway: Callable[..., list[str]]
) -> None:
    send(bus, command(1), command(2), command(1))
    gateway()
    send(bus, command(2))
    gateway()
    answers = acks(bus)
    assert {(a.command_id, a.outcome) for a in answers} == {
        ("command-1", "succeeded"),
        ("command-2", "succeeded"),
    }
    assert [a.command_id for a in answers].count("command-2") == 2, "a known command is answered again"
    assert len({(a.command_id, a.at) for a in answers}) == 2, "a known command gets the very same answer"
    assert sorted(e.command_id for e in ledger.effects()) == ["command-1", "command-2"]
    assert ledger.counts().deliveries == 4
    assert {record.key for record in bus.read_all("acks")} == {b"card-1", b"card-2"}


def test_an_expired_command_takes_no_effect(
    bus: Bus, ledger: Ledger, gateway: Callable[..., list[str]]
) -> None:
    send(bus, command(1, expires_at=99))
    gateway()
    assert [a.outcome for a in acks(bus)] == ["expired"]
    assert ledger.effects() == []


def test_a_refused_command_takes_no_effect(
    bus: Bus, ledger: Ledger, gateway: Callable[..., list[str]]
) -> None:
    send(bus, command(1))
    gateway(GatewaySettings(refuse_probability=1))
    assert [a.outcome for a in acks(bus)] == ["refused"]
    assert ledger.effects() == []


def test_what_is_no_command_is_rejected_and_the_rest_answered(
    bus: Bus, gateway: Callable[..., list[str]]
) -> None:
    with bus.producer() as producer:
        producer.send("commands", "card-1", b"{")
    send(bus, command(1))
    (rejected,) = gateway()
    assert rejected.endswith("malformed_json")
    assert [a.command_id for a in acks(bus)] == ["command-1"]


class CrashError(Exception):
    pass


class Broken:
    def __init__(self, inner: Any, error: type[Exception], times: int) -> None:
        self.inner, self.error, self.times = inner, error, times

    def send(self, *args: Any) -> None:
        self.inner.send(*args)

    def flush(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.error
        self.inner.flush()


def test_a_crash_before_the_answer_is_out_repeats_the_answer_and_not_the_effect(
    bus: Bus, ledger: Ledger, gateway: Callable[..., list[str]]
) -> None:
    send(bus, command(1))
    with pytest.raises(CrashError):
        gateway(producer=Broken(bus.producer(), CrashError, 1))
    gateway()
    assert len(ledger.effects()) == 1
    assert len({(a.command_id, a.outcome, a.at) for a in acks(bus)}) == 1


def test_kafka_away_only_delays_the_answer(
    bus: Bus, ledger: Ledger, gateway: Callable[..., list[str]]
) -> None:
    send(bus, command(1))
    gateway(producer=Broken(bus.producer(), RetryLaterError, 3))
    assert {a.outcome for a in acks(bus)} == {"succeeded"}
    assert len(ledger.effects()) == 1


class Scripted:
    """A bridge whose devices say what the test makes them say."""

    def __init__(self) -> None:
        self.given: list[Errand] = []
        self.resumed: list[Errand] = []
        self.dropped: list[str] = []
        self.words: list[Word] = []
        self.settled = 0

    def resume(self, errands: Any) -> None:
        self.resumed += errands

    def give(self, errands: Any) -> None:
        self.given += errands

    def drop(self, command_ids: Any) -> None:
        self.dropped += command_ids

    def say(self, number: int, said: Any, entity: str | None = None) -> None:
        self.words.append(Word(command_id=f"command-{number}", said=said, entity=entity))

    def hear(self) -> list[Word]:
        words, self.words = self.words, []
        return words

    def settle(self) -> None:
        self.settled += 1

    def close(self) -> None:
        pass


class Desk:
    """A gateway with a scripted bridge and a clock that is set."""

    def __init__(self, ledger: Ledger) -> None:
        self.bridge = Scripted()
        self.now = 1_000
        self.gateway = Gateway(ledger, self.bridge, lambda: self.now, grace_ms=10)

    def take(self, *commands: Command) -> list[str]:
        return [ack.outcome for ack in self.gateway.take(commands)]

    def hear(self) -> list[str]:
        return [ack.outcome for ack in self.gateway.hear()]


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


def test_a_device_says_delivered_and_then_its_last_word_and_repeats_count_for_nothing(
    desk: Desk, ledger: Ledger
) -> None:
    assert desk.take(command(1)) == []
    heard = []
    for said in ("delivered", "delivered", "succeeded", "succeeded", "refused", "delivered"):
        desk.bridge.say(1, said)
        heard += desk.hear()
    assert heard == ["delivered", "succeeded"]
    assert desk.take(command(1)) == ["succeeded"]
    assert len(ledger.effects()) == 1
    assert [one.command_id for one in desk.bridge.given] == ["command-1"]
    assert desk.bridge.dropped == ["command-1"]


def test_a_device_speaks_for_itself_alone(desk: Desk, ledger: Ledger) -> None:
    desk.take(command(1))
    desk.bridge.say(1, "succeeded", entity="card-2")
    assert desk.hear() == []
    desk.bridge.say(1, "succeeded", entity="card-1")
    assert desk.hear() == ["succeeded"]


def test_the_gateway_says_expired_when_no_device_has_spoken_in_time_and_a_late_success_is_the_truth(
    desk: Desk, ledger: Ledger
) -> None:
    desk.take(command(1, expires_at=2_000))
    desk.now = 2_010
    assert desk.hear() == []
    desk.now = 2_011
    assert desk.hear() == ["expired"]
    assert desk.hear() == []
    desk.bridge.say(1, "succeeded")
    assert desk.hear() == ["succeeded"]
    assert ledger.answers() == {"command-1": "succeeded"}
    assert len(ledger.effects()) == 1


def test_a_command_that_its_device_has_does_not_expire(desk: Desk) -> None:
    desk.take(command(1, expires_at=2_000))
    desk.bridge.say(1, "delivered")
    assert desk.hear() == ["delivered"]
    desk.now = 9_000
    assert desk.hear() == []
    desk.bridge.say(1, "succeeded")
    assert desk.hear() == ["succeeded"]


def test_cancelling_asks_the_device_and_tells_what_became_of_the_command(desk: Desk, ledger: Ledger) -> None:
    desk.take(command(1), command(2))
    assert desk.take(cancel(1), cancel(2)) == []
    asked = [one for one in desk.bridge.given if one.cancel is not None]
    assert [one.cancel and one.cancel.command_id for one in asked] == ["cancel-1", "cancel-2"]
    desk.bridge.say(1, "cancelled")
    desk.bridge.say(2, "succeeded")
    assert desk.hear() == ["cancelled", "succeeded"]
    assert desk.take(cancel(1), cancel(2)) == ["cancelled", "succeeded"], "too late: the same again"
    assert [effect.command_id for effect in ledger.effects()] == ["command-2"]


def test_a_command_that_was_cancelled_before_it_came_is_never_carried(desk: Desk) -> None:
    assert desk.take(cancel(1)) == ["cancelled"]
    assert desk.take(command(1)) == ["cancelled"]
    assert desk.bridge.given == []


def test_a_request_to_cancel_that_has_expired_asks_for_nothing(desk: Desk) -> None:
    desk.take(command(1))
    assert desk.take(cancel(1, expires_at=999)) == []
    assert [one.cancel for one in desk.bridge.given] == [None]


def test_after_a_restart_what_is_under_way_goes_on_and_what_was_not_told_is_told(
    desk: Desk, ledger: Ledger
) -> None:
    desk.take(*map(command, range(1, 5)))
    desk.take(cancel(3))
    for number, said in enumerate(["succeeded", "refused", "delivered", "sent"], 1):
        desk.bridge.say(number, said)
    told, *untold = desk.gateway.hear()
    desk.gateway.told([told])
    ledger.flush()
    again = Desk(ledger)
    assert again.gateway.resume() == untold
    states = [(one.command_id, one.state, one.cancel is not None) for one in again.bridge.resumed]
    assert states == [("command-3", "delivered", True), ("command-4", "sent", False)]
    assert again.gateway.waits


def test_words_are_settled_once_they_are_in_the_ledger(
    desk: Desk, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take(command(1))
    desk.bridge.say(1, "succeeded")

    def crash(*_: Any) -> None:
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "save", crash)
        with pytest.raises(CrashError):
            desk.hear()
    assert desk.bridge.settled == 0
    desk.bridge.say(1, "succeeded")
    assert desk.hear() == ["succeeded"]
    assert desk.bridge.settled == 1


def test_a_word_on_a_command_that_nobody_sent_is_ignored(desk: Desk) -> None:
    desk.bridge.say(9, "succeeded")
    assert desk.hear() == []
    assert desk.bridge.settled == 1


@pytest.mark.parametrize("call", ["poll", "commit"])
def test_a_client_that_has_stopped_ends_the_gateway_and_the_next_one_takes_what_waits(
    bus: Bus,
    ledger: Ledger,
    gateway: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    def stalled(*_: object) -> None:
        raise StopProcessError("start a new consumer")

    send(bus, command(1))
    with monkeypatch.context() as patched:
        patched.setattr(f"ingest.memory.MemoryConsumer.{call}", stalled)
        with pytest.raises(StopProcessError, match="new consumer"):
            gateway()
    gateway()
    assert [effect.command_id for effect in ledger.effects()] == ["command-1"]
    assert {answer.command_id for answer in acks(bus)} == {"command-1"}
