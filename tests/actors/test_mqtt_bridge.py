"""The MQTT bridge on real brokers, with devices that sleep, forget, repeat themselves and speak for others."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from missing import missing
from mqtt_brokers import Amqtt, Broker, Mosquitto, until
from mqtt_devices import PREFIX, Device
from pydantic import SecretStr

from actors.bridges.mqtt import MqttBridge
from actors.bridges.mqtt_link import Happening, Heard, Lost, Subscribed
from actors.bridges.mqtt_topics import acks_filter, commands_topic, entity_of, seconds_left
from actors.bridges.pauses import Pauses
from actors.bridges.settings import MqttSettings
from actors.gateway import Gateway
from actors.ledger import Ledger
from actors.ledger_file import open_ledger
from models.actions import Command

HOUR_MS = 3_600_000


def command(name: str, entity: str = "M1", **fields: Any) -> Command:
    values = {"kind": "reduce_load", "issued_at": 0, "expires_at": 10 * HOUR_MS}
    return Command(**{**values, "command_id": name, "entity": entity, **fields})


@pytest.fixture(params=[Amqtt, Mosquitto])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param is Mosquitto and not Mosquitto.installed():
        missing("Mosquitto is not installed (Debian: apt-get install mosquitto)")
    started: Broker = request.param(tmp_path)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


class Desk:
    """A gateway with an MQTT bridge, and what it has told."""

    def __init__(self, ledger: Ledger, broker: Broker) -> None:
        self.now = 1_000
        self.told: list[tuple[str, str]] = []
        settings = MqttSettings(
            port=broker.port,
            version=broker.version,  # type: ignore[arg-type]
            prefix=PREFIX,
            username="gateway",
            password=SecretStr("s3cret"),
            retry_first_s=0.02,
            retry_most_s=0.05,
        )
        self.bridge = MqttBridge(settings, lambda: self.now)
        self.gateway = Gateway(ledger, self.bridge, lambda: self.now, grace_ms=100)
        self._tell(self.gateway.resume())

    def take(self, *commands: Command) -> None:
        self._tell(self.gateway.take(commands))

    def outcomes(self) -> list[tuple[str, str]]:
        self.now += 1
        acks = self.gateway.hear()
        self._tell(acks)
        self.gateway.told(acks)
        return self.told

    def until(self, holds: Callable[[], Any]) -> None:
        until(lambda: self.outcomes() is None or holds())

    def hears(self, *expected: tuple[str, str]) -> None:
        self.until(lambda: len(self.told) >= len(expected))
        assert self.told == list(expected)

    def _tell(self, acks: Any) -> None:
        self.told += [(ack.command_id, ack.outcome) for ack in acks]


@pytest.fixture
def desk(ledger: Ledger, broker: Broker) -> Iterator[Callable[[], Desk]]:
    desks: list[Desk] = []

    def make() -> Desk:
        desks.append(Desk(ledger, broker))
        return desks[-1]

    yield make
    for one in desks:
        one.bridge.close()


@pytest.fixture
def device(broker: Broker) -> Iterator[Callable[..., Device]]:
    devices: list[Device] = []

    def make(entity: str = "M1", **said: list[str]) -> Device:
        devices.append(Device(broker, entity, **said))
        devices[-1].wake()
        return devices[-1]

    yield make
    for one in devices:
        one.sleep()


def test_devices_answer_and_repeat_themselves_and_the_effect_is_one(
    desk: Callable[[], Desk], device: Callable[..., Device], ledger: Ledger
) -> None:
    pump = device(c1=["delivered", "succeeded", "succeeded"], c2=["refused"])
    press = device("press 2/+#", c3=["succeeded"])
    front = desk()
    front.take(command("c1"), command("c1"), command("c2"), command("c3", "press 2/+#"))
    front.until(lambda: len(front.told) == 4)
    front.take(command("c1"))
    assert sorted(front.outcomes()) == [
        ("c1", "delivered"),
        ("c1", "succeeded"),
        ("c1", "succeeded"),
        ("c2", "refused"),
        ("c3", "succeeded"),
    ]
    assert pump.names() == ["c1", "c2"]
    assert press.names() == ["c3"]
    assert sorted(effect.command_id for effect in ledger.effects()) == ["c1", "c3"]


def test_a_device_that_sleeps_gets_its_commands_once_and_in_order_when_it_wakes(
    desk: Callable[[], Desk], device: Callable[..., Device], ledger: Ledger
) -> None:
    pump = device()
    pump.sleep()
    front = desk()
    front.take(command("c1"), command("c2", kind="restore_load", reverts="c1"))
    front.until(lambda: {one.state for one in ledger.under_way()} == {"sent"})
    pump.wake()
    front.hears(("c1", "succeeded"), ("c2", "succeeded"))
    assert pump.names() == ["c1", "c2"]


def test_a_bridge_that_starts_again_sends_nothing_twice_and_hears_what_was_said_meanwhile(
    desk: Callable[[], Desk], device: Callable[..., Device], ledger: Ledger
) -> None:
    pump, press = device(), device("M2")
    pump.sleep()
    press.sleep()
    first = desk()
    first.take(command("c1"), command("c2", "M2"))
    first.until(lambda: {one.state for one in ledger.under_way()} == {"sent"})
    first.bridge.close()
    pump.wake()
    until(lambda: pump.effects == ["c1"])
    second = desk()
    second.hears(("c1", "succeeded"))
    press.wake()
    second.hears(("c1", "succeeded"), ("c2", "succeeded"))
    assert (pump.names(), press.names()) == (["c1"], ["c2"])


class Fake:
    """A connection on which the test makes things happen."""

    def __init__(self, *happenings: Happening) -> None:
        self.happenings = list(happenings)
        self.confirmed: list[int] = []

    def happened(self) -> list[Happening]:
        happened, self.happenings = self.happenings, []
        return happened

    def confirm(self, mid: int) -> None:
        self.confirmed.append(mid)

    def close(self) -> None:
        self.happenings.clear()


def test_the_broker_is_told_of_what_was_heard_only_once_it_is_kept() -> None:
    said = b'{"command_id": "c1", "outcome": "succeeded"}'
    link = Fake(Subscribed(), Heard(7, "fastdata/M1/acks", said), Heard(0, "fastdata/M1/acks", said))
    bridge = MqttBridge(MqttSettings(), lambda: 0)
    bridge._connect = lambda: link  # type: ignore[assignment, return-value]
    assert [word.said for word in bridge.hear()] == ["succeeded"] * 2
    assert link.confirmed == []
    bridge.settle()
    assert link.confirmed == [7]
    link.happenings = [Heard(8, "fastdata/M1/acks", said), Lost("gone")]
    assert len(bridge.hear()) == 1
    bridge.settle()
    assert link.confirmed == [7], "another connection hears it again"


@pytest.mark.parametrize("broker", [Mosquitto], indirect=True)
def test_what_was_heard_and_not_kept_is_heard_again(
    desk: Callable[[], Desk], device: Callable[..., Device], ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = device(c1=["delivered"])
    first = desk()
    first.take(command("c1"))
    first.hears(("c1", "delivered"))

    def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "save", crash)
        pump.answer("c1", "succeeded")
        with pytest.raises(RuntimeError, match="killed"):
            first.until(lambda: False)
    first.bridge.close()
    second = desk()
    second.until(lambda: ("c1", "succeeded") in second.told)
    assert [effect.command_id for effect in ledger.effects()] == ["c1"]


def test_the_broker_may_be_away_and_commands_wait_or_expire(
    desk: Callable[[], Desk], device: Callable[..., Device], broker: Broker
) -> None:
    front = desk()
    front.until(lambda: front.bridge._ready)
    broker.stop()
    front.take(command("c1"), command("c2", expires_at=2_000))
    front.until(lambda: not front.bridge._ready)
    front.now = 2_200
    front.hears(("c2", "expired"))
    broker.start()
    pump = device()
    front.hears(("c2", "expired"), ("c1", "succeeded"))
    assert pump.names() == ["c1"]


def test_cancelling_before_a_command_has_left_asks_nobody(
    desk: Callable[[], Desk], device: Callable[..., Device], broker: Broker
) -> None:
    broker.stop()
    front = desk()
    front.take(command("c1"))
    front.outcomes()
    front.take(command("x1", cancels="c1"))
    front.hears(("c1", "cancelled"))
    broker.start()
    pump = device()
    front.until(lambda: front.bridge._ready)
    front.take(command("c2"))
    front.hears(("c1", "cancelled"), ("c2", "succeeded"))
    assert pump.names() == ["c2"]


def test_a_device_is_asked_to_drop_what_it_has_and_says_what_became_of_it(
    desk: Callable[[], Desk], device: Callable[..., Device]
) -> None:
    pump = device(c1=["delivered"])
    front = desk()
    front.take(command("c1"))
    front.hears(("c1", "delivered"))
    pump.known["c1"] = ["cancelled"]
    front.take(command("x1", cancels="c1"))
    front.hears(("c1", "delivered"), ("c1", "cancelled"))
    assert pump.names() == ["c1", "x1"]


def test_a_device_speaks_for_itself_and_in_the_words_of_the_contract(
    desk: Callable[[], Desk], device: Callable[..., Device]
) -> None:
    pump, press = device(c1=[]), device("M2")
    front = desk()
    front.take(command("c1"))
    front.until(lambda: pump.names() == ["c1"])
    press.answer("c1", "succeeded")
    pump.say(b"ok")
    pump.say(b'{"outcome": "succeeded"}')
    pump.answer("c9", "succeeded")
    pump.answer("c1", "refused")
    front.hears(("c1", "refused"))


@pytest.mark.parametrize("broker", [Mosquitto], indirect=True)
def test_the_broker_drops_what_expires_while_the_device_sleeps(
    desk: Callable[[], Desk], device: Callable[..., Device], ledger: Ledger
) -> None:
    pump = device()
    pump.sleep()
    front = desk()
    front.take(command("c1", expires_at=2_500), command("c2", "M1"))
    front.until(lambda: {one.state for one in ledger.under_way()} == {"sent"})
    time.sleep(2)  # the broker's own clock has to pass the second that the command had left
    pump.wake()
    front.now = 2_700
    front.until(lambda: len(front.told) == 2)
    assert sorted(front.told) == [("c1", "expired"), ("c2", "succeeded")]
    assert pump.names() == ["c2"]
    assert pump.left_s[0] is not None
    assert 35_000 < pump.left_s[0] < 36_000


@pytest.mark.parametrize("broker", [Mosquitto], indirect=True)
def test_a_command_that_no_device_subscribes_to_is_published_again_until_one_does(
    desk: Callable[[], Desk], device: Callable[..., Device]
) -> None:
    front = desk()
    front.take(command("c1"))
    front.until(lambda: front.now > 1_200)
    pump = device()
    front.hears(("c1", "succeeded"))
    assert pump.names() == ["c1"]


@given(st.text(min_size=1), st.sampled_from(["fastdata", "a/b"]))
def test_a_topic_names_one_device(entity: str, prefix: str) -> None:
    topic = commands_topic(prefix, entity)
    assert topic.count("/") == prefix.count("/") + 2
    assert not set("+#") & set(topic)
    assert entity_of(prefix, topic.replace("/commands", "/acks")) == entity
    assert acks_filter(prefix) == f"{prefix}/+/acks"


@given(st.integers(-(10**6), 10**15))
def test_a_broker_keeps_a_command_no_longer_than_it_lasts(left_ms: int) -> None:
    left = seconds_left(5 + left_ms, 5)
    assert 1 <= left <= max(1, left_ms // 1_000)
    assert left < 2**32


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    pauses, lengths, now = Pauses(1, 5), [], 0
    for _ in range(4):
        pauses.begin("x", now)
        after = next(later for later in range(now, now + 10_000, 500) if pauses.over("x", later))
        lengths.append(after - now)
        now = after
    assert lengths == [1_000, 2_000, 4_000, 5_000]
    assert pauses.over("y", 0)
    pauses.end("x")
    assert pauses.over("x", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "x"},
        {"username": "u", "password": "x", "password_file": "f"},
        {"ca_file": "f"},
        {"prefix": "a/+"},
        {"prefix": "a/"},
        {"prefix": "$SYS"},
    ],
)
def test_settings_that_can_not_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"password|ca_file|prefix"):
        MqttSettings(**wrong)
