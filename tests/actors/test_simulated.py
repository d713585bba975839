"""Simulated devices behind the gateway, on a clock that is set by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.bridges.simulated import SimulatedDevices
from actors.gateway import Gateway
from actors.issuer import wakes_at
from actors.ledger import Ledger
from actors.ledger_file import open_ledger
from actors.settings import GatewaySettings
from models.actions import Command

MINUTE_MS = 60_000


def command(name: str, entity: str | None = None, **fields: Any) -> Command:
    values = {"kind": "reduce_load", "issued_at": 0, "expires_at": 10 * MINUTE_MS}
    return Command(**{**values, "command_id": name, "entity": entity or SLEEPER, **fields})


class Plant:
    """A gateway of simulated devices."""

    def __init__(self, ledger: Ledger, now: int = 0, **settings: Any) -> None:
        self.now = now
        chosen = GatewaySettings(**{"refuse_probability": 0, **settings})
        devices = SimulatedDevices(chosen, lambda: self.now)
        self.gateway = Gateway(ledger, devices, lambda: self.now, grace_ms=0)
        self.gateway.resume()

    def take(self, *commands: Command) -> None:
        self.gateway.take(commands)

    def hear(self, now: int) -> list[tuple[str, str]]:
        self.now = now
        return [(ack.command_id, ack.outcome) for ack in self.gateway.hear()]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def wakes() -> int:
    """When the device wakes that is asleep at 0."""
    return _wakes(SLEEPER)


def _wakes(entity: str) -> int:
    return wakes_at(entity, 0, probability=1, sleep_ms=MINUTE_MS, seed=0)


SLEEPER = next(name for name in map("M{}".format, range(100)) if _wakes(name) > 2_000)


@pytest.fixture
def plant(ledger: Ledger) -> Callable[..., Plant]:
    return lambda **settings: Plant(ledger, **settings)


def test_a_device_that_sleeps_is_told_once_when_it_wakes(
    plant: Callable[..., Plant], wakes: int, ledger: Ledger
) -> None:
    sleepy = plant(sleep_probability=1)
    sleepy.take(command("c1"), command("c1"))
    assert sleepy.hear(wakes - 1_000) == []
    assert sleepy.hear(wakes) == [("c1", "succeeded")]
    assert sleepy.hear(10 * MINUTE_MS) == []
    assert [effect.command_id for effect in ledger.effects()].count("c1") == 1


def test_what_has_expired_before_the_device_wakes_takes_no_effect(
    plant: Callable[..., Plant], wakes: int, ledger: Ledger
) -> None:
    sleepy = plant(sleep_probability=1)
    sleepy.take(command("c1", expires_at=wakes - 1_000))
    assert sleepy.hear(wakes - 1_000) == []
    assert sleepy.hear(wakes - 999) == [("c1", "expired")]
    assert sleepy.hear(10 * MINUTE_MS) == []
    assert "c1" not in {effect.command_id for effect in ledger.effects()}


def test_a_restart_while_the_device_sleeps_loses_nothing_and_repeats_nothing(
    plant: Callable[..., Plant], wakes: int, ledger: Ledger
) -> None:
    plant(sleep_probability=1).take(command("c1"))
    again = plant(sleep_probability=1)
    assert again.hear(wakes) == [("c1", "succeeded")]
    assert plant(sleep_probability=1).hear(10 * MINUTE_MS) == []
    assert [effect.command_id for effect in ledger.effects()].count("c1") == 1


def test_a_command_and_the_one_that_reverts_it_stay_in_order(plant: Callable[..., Plant], wakes: int) -> None:
    sleepy = plant(sleep_probability=1)
    sleepy.take(command("c1"), command("c2", kind="restore_load", reverts="c1"))
    assert sleepy.hear(wakes) == [("c1", "succeeded"), ("c2", "succeeded")]


def test_a_device_that_works_for_a_while_says_delivered_first_and_its_last_word_after_a_restart_too(
    plant: Callable[..., Plant],
) -> None:
    slow = plant(latency_s=2)
    slow.take(command("c1", expires_at=1_000))
    assert slow.hear(500) == [("c1", "delivered")]
    assert slow.hear(2_400) == []
    assert slow.hear(2_500) == [("c1", "succeeded")], "it had begun before the command expired"
    slow.take(command("c2"))
    assert slow.hear(2_500) == [("c2", "delivered")]
    again = plant(now=2_600, latency_s=2)
    assert again.hear(4_600) == [("c2", "succeeded")]


@pytest.mark.parametrize("heard", [[], [("c1", "delivered")]])
def test_a_command_can_be_cancelled_until_the_device_is_done(
    plant: Callable[..., Plant], heard: list[Any], ledger: Ledger
) -> None:
    slow = plant(latency_s=2)
    slow.take(command("c1"))
    if heard:
        assert slow.hear(0) == heard
    slow.take(command("x1", cancels="c1"))
    assert slow.hear(1) == [("c1", "cancelled")]
    assert slow.hear(MINUTE_MS) == []
    assert ledger.effects() == []


def test_a_command_that_is_cancelled_too_late_is_answered_with_what_became_of_it(
    plant: Callable[..., Plant],
) -> None:
    prompt = plant()
    prompt.take(command("c1"))
    assert prompt.hear(1) == [("c1", "succeeded")]
    (ack,) = prompt.gateway.take([command("x1", cancels="c1")])
    assert (ack.command_id, ack.outcome) == ("c1", "succeeded")
