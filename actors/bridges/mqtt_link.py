"""One connection to an MQTT broker: what it hears goes into a queue; when it is lost, another one is made.

A client is not used again after its connection is lost, because it would repeat what it had under way with the
expiry of then. The session at the broker outlives it.
"""

import queue
import ssl
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import structlog
from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from actors.bridges.mqtt_topics import acks_filter
from actors.bridges.secrets import secret
from actors.bridges.settings import MqttSettings
from actors.errors import RetryConnectError

QOS: Final = 1
_NO_TAKER: Final = 0x10

_log = structlog.get_logger(__name__)


class Subscribed(NamedTuple):
    """The broker keeps devices' answers for us from now on."""


class Lost(NamedTuple):
    """The connection is gone, or was refused."""

    reason: str


class Confirmed(NamedTuple):
    """The broker has a message of ours; `taker` is whether there is anyone for it to go to."""

    mid: int
    taker: bool
    refused: str | None


class Heard(NamedTuple):
    """A message for us, to be confirmed by `Link.confirm` when it has a number."""

    mid: int
    topic: str
    payload: bytes


Happening: TypeAlias = Subscribed | Lost | Confirmed | Heard


class Link:
    """A connection that is open until `Lost` happens.

    Raises
    ------
    RetryConnectError
        The broker can't be reached.
    """

    def __init__(self, settings: MqttSettings, password: str | None) -> None:
        self._happened: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._client = client = _client(settings, password)
        client.on_connect = self._connected(settings)
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_message = self._message
        try:
            _connect(client, settings)
        except OSError as error:
            raise RetryConnectError(f"MQTT broker {settings.host}:{settings.port}: {error}") from error
        client.loop_start()

    def happened(self) -> list[Happening]:
        """Return what has happened since the last call."""
        found = []
        while not self._happened.empty():
            found.append(self._happened.get())
        return found

    def publish(self, topic: str, payload: bytes, expiry_s: int | None) -> int:
        """Hand over a message and return its number, which `Confirmed` will name."""
        properties = None
        if expiry_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # Paho leaves it untyped
            properties.MessageExpiryInterval = expiry_s
        return self._client.publish(topic, payload, QOS, properties=properties).mid

    def confirm(self, mid: int) -> None:
        """Let the broker forget a message that was heard."""
        self._client.ack(mid, QOS)

    def close(self) -> None:
        """Leave; the session stays."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, settings: MqttSettings) -> Callable[..., None]:
        def connected(client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            if not reason.is_failure:
                client.subscribe(acks_filter(settings.prefix), QOS)
                return
            self._happened.put(Lost(f"refused: {reason}"))

        return connected

    def _subscribed(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        refused = next((reason for reason in reasons if reason.is_failure), None)
        self._happened.put(Lost(f"subscription refused: {refused}") if refused else Subscribed())

    def _disconnected(
        self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._happened.put(Lost(str(reason)))

    def _published(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        taker = reason.value != _NO_TAKER
        self._happened.put(Confirmed(mid, taker, str(reason) if reason.is_failure else None))

    def _message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        mid = message.mid if message.qos == QOS else 0
        self._happened.put(Heard(mid, message.topic, bytes(message.payload)))


def _client(settings: MqttSettings, password: str | None) -> Client:
    version_5 = settings.version == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=None if version_5 else False,
        protocol=MQTTv5 if version_5 else MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.connect_timeout = settings.timeout_s
    client.max_inflight_messages = settings.in_flight
    if settings.username is not None:
        client.username_pw_set(settings.username, password)
    if settings.tls:
        client.tls_set_context(ssl.create_default_context(cafile=settings.ca_file))
    return client


def _connect(client: Client, settings: MqttSettings) -> None:
    where = (settings.host, settings.port, settings.keepalive_s)
    if settings.version == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # Paho leaves it untyped
        properties.SessionExpiryInterval = settings.session_s
        client.connect(*where, clean_start=False, properties=properties)
    else:
        client.connect(*where)


def connect(settings: MqttSettings) -> Callable[[], Link]:
    """Return the function that makes a connection; the password is read once."""
    password = secret(settings.password, settings.password_file, "the password of the MQTT broker")
    return lambda: Link(settings, password)
