import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.gateway import run_gateway
from actors.ledger import Ledger, open_ledger
from actors.settings import GatewaySettings
from ingest.errors import RetryLaterError
from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models.actions import Ack, Command, decode_ack, encode


def command(number: int, expires_at: int = 10**9) -> Command:
    return Command(
        command_id=f"command-{number}",
        kind="block_card",
        condition="fraud",
        entity=f"card-{number}",
        alarm_id=f"alarm-{number}",
        event_id=f"e{number}",
        event_time=1,
        issued_at=1,
        expires_at=expires_at,
    )


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
        stop.clear()
        with bus.consumer("gateway", ["commands"]) as consumer:
            polled, commit = consumer.poll, consumer.commit

            def poll(most: int, _timeout_s: float) -> list[Any]:
                records = polled(most, 0)
                if not records:
                    stop.set()
                return records

            consumer.poll = poll  # type: ignore[method-assign]
            consumer.commit = commit  # type: ignore[method-assign]
            run_gateway(
                consumer,
                producer or bus.producer(),
                ledger,
                settings or GatewaySettings(refuse_probability=0, retry_first_s=0.001),
                stop,
                reject=lambda record, error: rejected.append(f"{record.position} {error.reason}"),
                clock=itertools.count(100).__next__,
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
    assert sorted(a.command_id for a in answers) == ["command-1"] * 2 + ["command-2"] * 2
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
