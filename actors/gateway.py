"""The device gateway: takes commands once each, answers them, and repeats its answer to a command it knows.

In a batch: the ledger first, then the acknowledgements, then the offsets; a redo finds the ids in the ledger.
"""

import threading
from collections.abc import Callable, Sequence

import structlog
from tenacity import RetryError, Retrying, retry_if_exception_type, wait_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from actors.issuer import answer
from actors.ledger import Ledger
from actors.settings import GatewaySettings
from actors.work import Reject
from ingest.errors import RetryLaterError
from ingest.ports import Clock, ConsumerPort, ProducerPort, Record
from models.actions import Ack, Command, decode_command, encode
from models.errors import RejectEventError

_log = structlog.get_logger(__name__)


def run_gateway(
    consumer: ConsumerPort,
    producer: ProducerPort,
    ledger: Ledger,
    settings: GatewaySettings,
    stop: threading.Event,
    *,
    reject: Reject,
    clock: Clock,
) -> None:
    """Answer commands until `stop` is set.

    Parameters
    ----------
    consumer
        Reads the topic `commands`; closed by the caller.
    reject
        Writes one dead letter and returns when Kafka has it.
    """
    retrying = _retrying(settings, stop)

    def judge(command: Command) -> Ack:
        return answer(command, clock(), refuse_probability=settings.refuse_probability, seed=settings.seed)

    while not stop.is_set():
        try:
            records = retrying(consumer.poll, settings.batch, settings.poll_s)
            commands = retrying(_read, records, reject)
            acks = take(commands, ledger, judge)
            stop.wait(settings.latency_s if acks else 0)
            retrying(publish, acks, producer)
            retrying(consumer.commit, records)
        except RetryError as error:
            _log.warning("gateway_stopped_while_away", error=str(error.last_attempt.exception()))


def take(commands: Sequence[Command], ledger: Ledger, judge: Callable[[Command], Ack]) -> list[Ack]:
    """Return the answers to these commands, in their order; unknown ones are judged and put in the ledger."""
    answers = ledger.known(list({command.command_id for command in commands}))
    new: list[tuple[Command, Ack]] = []
    for command in commands:
        if command.command_id not in answers:
            ack = answers[command.command_id] = judge(command)
            new.append((command, ack))
    if commands:
        ledger.record(new, [command.command_id for command in commands])
    return [answers[command.command_id] for command in commands]


def publish(acks: Sequence[Ack], producer: ProducerPort) -> None:
    """Send the answers, keyed by entity, and return when Kafka has them all."""
    for ack in acks:
        producer.send("acks", ack.entity, encode(ack))
    if acks:
        producer.flush()


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
    )
