"""The MQTT bridge: a device that sleeps gets its commands from its session at the broker when it wakes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from actors.bridges.answers import read_answer
from actors.bridges.errand import Errand, Word
from actors.bridges.mqtt_link import Confirmed, Happening, Heard, Link, Lost, Subscribed, connect
from actors.bridges.mqtt_topics import commands_topic, entity_of, seconds_left
from actors.bridges.pauses import Pauses
from actors.bridges.settings import MqttSettings
from actors.errors import RetryConnectError
from ingest.ports import Clock
from models.actions import Command, encode

_log = structlog.get_logger(__name__)


class _Letter(NamedTuple):
    """A message that the broker shall have: a command, or the request to drop one."""

    about: str
    command: Command


class MqttBridge:
    """Publishes commands and hears answers.

    One message of a device is under way to the broker at a time, so that they stay in order. Answers are
    confirmed to the broker once they are on disk.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, settings: MqttSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._connect: Callable[[], Link] = connect(settings)
        self._link: Link | None = None
        self._ready = False
        self._waiting: dict[str, _Letter] = {}
        self._unsure: set[str] = set()
        self._cancelled: list[Word] = []
        self._in_flight: dict[int, _Letter] = {}
        self._unconfirmed: list[int] = []
        self._pauses = Pauses(settings.retry_first_s, settings.retry_most_s)

    def resume(self, errands: Sequence[Errand]) -> None:
        """Publish what the broker may not have; a device that gets one twice drops it."""
        self._unsure.update(errand.command_id for errand in errands)
        self.give(errands)

    def give(self, errands: Sequence[Errand]) -> None:
        """Publish what the broker does not have yet."""
        for errand in errands:
            if errand.cancel is not None:
                self._cancel(errand, errand.cancel)
            elif errand.state == "taken" and errand.command is not None:
                self._wait(_Letter(errand.command_id, errand.command))

    def drop(self, command_ids: Sequence[str]) -> None:
        """Publish nothing more of these."""
        ended = set(command_ids)
        self._unsure -= ended
        for name in [name for name, letter in self._waiting.items() if letter.about in ended]:
            self._forget(name)

    def hear(self) -> list[Word]:
        """Go on with the work and return what was heard."""
        words, self._cancelled = self._cancelled, []
        now = self._clock()
        link = self._linked(now)
        if link is not None:
            words += [word for happening in link.happened() for word in self._learn(link, happening, now)]
        if self._link is not None and self._ready:
            self._publish(self._link, now)
        return words

    def settle(self) -> None:
        """Confirm to the broker what was heard."""
        mids, self._unconfirmed = self._unconfirmed, []
        if self._link is not None:
            for mid in mids:
                self._link.confirm(mid)

    def close(self) -> None:
        """Leave the broker, which keeps what devices say until the next start."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _cancel(self, errand: Errand, cancel: Command) -> None:
        self._forget(errand.command_id)
        if errand.command_id in self._unsure:
            self._wait(_Letter(errand.command_id, cancel))
        else:
            self._cancelled.append(
                Word(
                    command_id=errand.command_id,
                    said="cancelled",
                    reason="dropped before it left the gateway",
                )
            )

    def _wait(self, letter: _Letter) -> None:
        self._waiting.setdefault(letter.command.command_id, letter)

    def _forget(self, name: str) -> None:
        self._waiting.pop(name, None)
        self._pauses.end(name)

    def _linked(self, now: int) -> Link | None:
        if self._link is None and self._pauses.over("", now):
            try:
                self._link = self._connect()
            except RetryConnectError as error:
                _log.warning("mqtt_away", error=str(error))
                self._pauses.begin("", now)
        return self._link

    def _learn(self, link: Link, happening: Happening, now: int) -> list[Word]:
        match happening:
            case Subscribed():
                self._ready = True
                self._pauses.end("")
            case Lost(reason):
                self._lose(link, reason, now)
            case Confirmed():
                return self._confirmed(happening, now)
            case Heard():
                self._unconfirmed += [happening.mid] if happening.mid else []
                return self._heard(happening)
        return []

    def _lose(self, link: Link, reason: str, now: int) -> None:
        _log.warning("mqtt_lost", reason=reason)
        link.close()
        self._link, self._ready = None, False
        self._in_flight.clear()
        self._unconfirmed.clear()
        self._pauses.begin("", now)

    def _confirmed(self, confirmed: Confirmed, now: int) -> list[Word]:
        letter = self._in_flight.pop(confirmed.mid, None)
        if letter is None:
            return []
        name = letter.command.command_id
        if confirmed.refused is not None or not confirmed.taker:
            _log.info("mqtt_not_taken", command_id=name, reason=confirmed.refused or "no device subscribes")
            self._pauses.begin(name, now)
            if confirmed.refused is None and not letter.command.cancels:
                self._unsure.discard(letter.about)
            return []
        self._forget(name)
        return [] if letter.command.cancels else [Word(command_id=name, said="sent")]

    def _heard(self, heard: Heard) -> list[Word]:
        answer, entity = read_answer(heard.payload), entity_of(self._settings.prefix, heard.topic)
        if isinstance(answer, str) or answer.command_id is None:
            wrong = answer if isinstance(answer, str) else "no command_id"
            _log.warning("mqtt_answer_unreadable", topic=heard.topic, error=wrong)
            return []
        return [Word(command_id=answer.command_id, said=answer.outcome, reason=answer.reason, entity=entity)]

    def _publish(self, link: Link, now: int) -> None:
        under_way = {letter.command.command_id for letter in self._in_flight.values()}
        busy: set[str] = set()
        for name, letter in list(self._waiting.items()):
            if len(self._in_flight) >= self._settings.in_flight:
                return
            command = letter.command
            if now > command.expires_at:
                self._forget(name)
                continue
            if command.entity not in busy and name not in under_way and self._pauses.over(name, now):
                self._unsure.add(letter.about)
                self._in_flight[self._send(link, command, now)] = letter
            busy.add(command.entity)

    def _send(self, link: Link, command: Command, now: int) -> int:
        version_5 = self._settings.version == "5"
        expiry_s = seconds_left(command.expires_at, now) if version_5 else None
        return link.publish(commands_topic(self._settings.prefix, command.entity), encode(command), expiry_s)
