"""Devices on a real MQTT broker, which sleep, forget, repeat themselves and say what a test wants."""

import json
from typing import Any

from mqtt_brokers import Broker, until
from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from actors.bridges.mqtt_topics import commands_topic

PREFIX = "plant/7"


class Device:
    """A device that drops commands it knows, and answers what the test says, `succeeded` otherwise."""

    def __init__(self, broker: Broker, entity: str = "M1", **said: list[str]) -> None:
        self.broker = broker
        self.entity = entity
        self.said = said
        self.received: list[dict[str, Any]] = []
        self.left_s: list[int | None] = []
        self.known: dict[str, list[str]] = {}
        self.effects: list[str] = []
        self._client: Client | None = None

    def wake(self) -> None:
        version_5 = self.broker.version == "5"
        subscribed: list[int] = []
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"device-{self.entity}",
            protocol=MQTTv5 if version_5 else MQTTv311,
            clean_session=None if version_5 else False,
        )
        client.username_pw_set(self.entity)
        client.on_message = self._message
        client.on_subscribe = lambda *_: subscribed.append(1)
        if version_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 600
            client.connect("127.0.0.1", self.broker.port, clean_start=False, properties=properties)
        else:
            client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        client.subscribe(commands_topic(PREFIX, self.entity), 1)
        until(lambda: subscribed)

    def sleep(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def say(self, payload: bytes, entity: str | None = None) -> None:
        assert self._client is not None
        topic = commands_topic(PREFIX, entity or self.entity).replace("/commands", "/acks")
        self._client.publish(topic, payload, 1)

    def answer(self, name: str, outcome: str) -> None:
        self.say(json.dumps({"command_id": name, "outcome": outcome, "reason": "because"}).encode())

    def _message(self, _client: Client, _data: Any, message: Any) -> None:
        body = json.loads(message.payload)
        self.received.append(body)
        self.left_s.append(getattr(message.properties, "MessageExpiryInterval", None))
        name = body["cancels"] or body["command_id"]
        if name not in self.known:
            said = ["cancelled"] if body["cancels"] else self.said.get(name, ["succeeded"])
            self.known[name] = said
            self.effects += [name] if "succeeded" in said else []
        for outcome in self.known[name]:
            self.answer(name, outcome)

    def names(self) -> list[str]:
        return [body["command_id"] for body in self.received]
