"""The device gateway: takes commands once each, lets a bridge carry them, and tells what devices say.

In a batch: the ledger first, then devices, then the answers, then the offsets. A redo finds the ids in the
ledger; a restart gives its bridge what is under way again and tells what may not have been told.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import structlog
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, wait_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from actors.bridges import errand
from actors.bridges.errand import Errand, Word
from actors.bridges.port import Bridge
from actors.ledger import Ledger
from actors.settings import GatewaySettings
from ingest.errors import RetryLaterError
from ingest.ports import Clock, ConsumerPort, ProducerPort, Record
from models.actions import Ack, Command, decode_command, encode
from models.errors import RejectEventError

Reject: TypeAlias = Callable[[Record, RejectEventError], None]

LOOK_S: Final = 0.02
"""Longest wait for the next commands while devices may speak, in seconds."""

_log = structlog.get_logger(__name__)


class Gateway:
    """Commands in, answers out; what happens between is in the ledger before anybody is told.

    Parameters
    ----------
    grace_ms
        So long after a command's expiry a device may still be heard before the gateway says `expired` itself.
    """

    def __init__(self, ledger: Ledger, bridge: Bridge, clock: Clock, grace_ms: int) -> None:
        self._ledger = ledger
        self._bridge = bridge
        self._clock = clock
        self._grace_ms = grace_ms
        self._under_way: set[str] = set()

    @property
    def waits(self) -> bool:
        """Whether the last word of a command is still to come."""
        return bool(self._under_way)

    def resume(self) -> list[Ack]:
        """Go on after a start; return the answers that may not have been told."""
        under_way = self._ledger.under_way()
        self._under_way = {one.command_id for one in under_way}
        self._bridge.resume(under_way)
        return self._ledger.untold()

    def take(self, commands: Sequence[Command]) -> list[Ack]:
        """Take commands; return the answers that known ones already have, in their order."""
        if not commands:
            return []
        names = [command.cancels or command.command_id for command in commands]
        before = self._ledger.known(list(set(names)))
        now, errands = self._clock(), dict(before)
        for name, command in zip(names, commands, strict=True):
            decide = errand.take if command.cancels is None else errand.take_cancel
            errands[name] = decide(errands.get(name), command, now)
        changed = [one for name, one in errands.items() if one != before.get(name)]
        self._ledger.save(changed, [one.command_id for one in commands if one.cancels is None])
        carried = [one for one in changed if one.under_way]
        self._under_way.update(one.command_id for one in carried)
        self._bridge.give(carried)
        asked = (
            errands[name] for name, one in zip(names, commands, strict=True) if not _waits(one, errands[name])
        )
        return [one.ack for one in asked if one.ack is not None]

    def hear(self) -> list[Ack]:
        """Return the new answers: what devices have said, and `expired` where none has in time."""
        now = self._clock()
        words = self._bridge.hear()
        if self._under_way:
            words += [_unheard(name) for name in self._ledger.overdue(now - self._grace_ms)]
        acks = self._learn(words, now) if words else []
        self._bridge.settle()
        return acks

    def told(self, acks: Iterable[Ack]) -> None:
        """Whoever sent the commands has these answers."""
        self._ledger.tell(acks)

    def close(self) -> None:
        """Keep what was told, so that it is not told again."""
        self._ledger.flush()

    def _learn(self, words: Sequence[Word], now: int) -> list[Ack]:
        before = self._ledger.known(list({word.command_id for word in words}))
        errands, acks = dict(before), []
        for word in words:
            known = errands.get(word.command_id)
            learnt = known and errand.hear(known, word, now)
            if learnt is None or learnt == known:
                _log.info(
                    "gateway_word_ignored", command_id=word.command_id, said=word.said, entity=word.entity
                )
                continue
            errands[word.command_id] = learnt
            acks += [learnt.ack] if learnt.ack and learnt.ack != (known and known.ack) else []
        changed = [one for name, one in errands.items() if one != before[name]]
        if changed:
            self._ledger.save(changed)
        self._end([one for one in changed if not one.under_way])
        return acks

    def _end(self, ended: Sequence[Errand]) -> None:
        names = [one.command_id for one in ended]
        self._under_way.difference_update(names)
        self._bridge.drop(names)


def run_gateway(
    consumer: ConsumerPort,
    producer: ProducerPort,
    gateway: Gateway,
    settings: GatewaySettings,
    stop: threading.Event,
    *,
    reject: Reject,
) -> None:
    """Take commands and tell answers until `stop` is set.

    Parameters
    ----------
    consumer
        Reads the topic `commands`; closed by the caller.
    reject
        Writes one dead letter and returns when Kafka has it.
    """
    retrying = _retrying(settings, stop)

    def tell(acks: Sequence[Ack]) -> None:
        retrying(publish, acks, producer)
        gateway.told(acks)

    try:
        tell(gateway.resume())
        while not stop.is_set():
            records = retrying(consumer.poll, settings.batch, LOOK_S if gateway.waits else settings.poll_s)
            answered = gateway.take(retrying(_read, records, reject))
            tell([*answered, *gateway.hear()])
            if records:
                retrying(consumer.commit, records)
    except RetryError as error:
        _log.warning("gateway_stopped_while_away", error=str(error.last_attempt.exception()))
    gateway.close()


def publish(acks: Sequence[Ack], producer: ProducerPort) -> None:
    """Send the answers, keyed by entity, and return when Kafka has them all."""
    for ack in acks:
        producer.send("acks", ack.entity, encode(ack))
    if acks:
        producer.flush()


def _waits(command: Command, known: Errand) -> bool:
    """Whether the answer to this is still to come, as to a request to drop what is under way."""
    return command.cancels is not None and known.under_way


def _unheard(command_id: str) -> Word:
    return Word(command_id=command_id, said="expired", reason="no device has answered in time")


def _read(records: Sequence[Record], reject: Reject) -> list[Command]:
    commands = []
    for record in records:
        try:
            commands.append(decode_command(record.value))
        except RejectEventError as error:
            reject(record, error)
    return commands


def _retrying(settings: GatewaySettings, stop: threading.Event) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(RetryLaterError),
        wait=wait_exponential(multiplier=settings.retry_first_s, max=settings.retry_most_s),
        sleep=sleep_using_event(stop),
        stop=stop_when_event_set(stop),
        before_sleep=_note,
    )


def _note(attempt: RetryCallState) -> None:
    reason = attempt.outcome.exception() if attempt.outcome else None
    _log.warning("gateway_waits_for_kafka", attempt=attempt.attempt_number, error=str(reason))
