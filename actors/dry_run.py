"""The actors without an outside: alerts in, the changes of alarms and the commands that they lead to out.

It is the work of a shard on stores and topics in memory, with event time as its clock. Every command is carried out
at once; operators do nothing.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors import order_sweep, sweep
from actors.items import Change, Wake
from actors.order_permits import FleetOf, unregistered
from actors.settings import ActorSettings
from actors.work import Work
from ingest.memory import Bus
from ingest.ports import Record
from ingest.settings import KafkaSettings, TopicName
from models import alarms
from models.actions import Ack, Command, decode_command
from models.alarms import AlarmChange
from models.errors import RejectEventError
from models.policies.policies import Policies
from models.scores import Score
from storage.memory import MemoryEntityStore
from storage.orders import OrderRow

_LOOKS: Final = 500
_LEAST_LOOK_MS: Final = 60_000
_EVERYTHING: Final = 1_000_000


@dataclass(frozen=True)
class DryRun:
    """What would have happened.

    Attributes
    ----------
    changes
        Of alarms, in their order.
    commands
        Those that would have been sent.
    held
        Those that would not: they waited for people, limits or hours at the end.
    """

    changes: tuple[AlarmChange, ...]
    commands: tuple[Command, ...]
    held: tuple[OrderRow, ...]


def dry_run(
    alerts: Sequence[Score], policies: Policies, until: int, *, fleet_of: FleetOf = unregistered
) -> DryRun:
    """Let alerts act on nobody.

    Parameters
    ----------
    alerts
        In order of event time.
    until
        When to stop looking, milliseconds since the epoch.
    fleet_of
        Knows the machine register.
    """
    stage = _Stage(policies, fleet_of)
    first = alerts[0].event_time if alerts else until
    look_ms = max(_LEAST_LOOK_MS, (until - first) // _LOOKS)
    looked = first
    for alert in alerts:
        while looked + look_ms <= alert.event_time:
            looked += look_ms
            stage.look(looked)
        stage.take([alert], alert.event_time)
    while looked < until:
        looked = min(looked + look_ms, until)
        stage.look(looked)
    return stage.outcome()


class _Stage:
    """A shard's work on memory alone."""

    def __init__(self, policies: Policies, fleet_of: FleetOf) -> None:
        self._now = 0
        self._bus = Bus(KafkaSettings(bootstrap_servers="none:1"), self._clock)
        self._store = MemoryEntityStore(self._clock)
        self._commands = self._bus.consumer("gateway", ["commands"])
        self._work = Work(
            self._store,
            self._bus.producer(),
            ActorSettings(),
            policies,
            reject=_reject,
            clock=self._clock,
            stop=threading.Event(),
            fleet_of=fleet_of,
        )

    def take(self, messages: Sequence[Change], now: int) -> None:
        """Do what follows from messages, and answer the commands that come of it."""
        self._now = max(self._now, now)
        while messages:
            self._work(messages)
            messages = list(self._answers())

    def look(self, now: int) -> None:
        """Do what time alone does."""
        self._now = max(self._now, now)
        silent = [Wake(entity) for entity in sorted(sweep.due(self._store, self._now, _EVERYTHING))]
        self.take([*silent, *order_sweep.due(self._store, self._now, _EVERYTHING)], now)

    def outcome(self) -> DryRun:
        """Return what has happened."""
        sent = (decode_command(record.value) for record in self._sorted("commands"))
        return DryRun(
            changes=tuple(alarms.decode_change(record.value) for record in self._sorted("alarms")),
            commands=tuple({command.command_id: command for command in sent}.values()),
            held=tuple(o for state in ("awaiting_approval", "held") for o in self._store.orders_in(state)),
        )

    def _clock(self) -> int:
        return self._now

    def _sorted(self, topic: TopicName) -> list[Record]:
        return sorted(self._bus.read_all(topic), key=lambda record: record.timestamp_ms)

    def _answers(self) -> Iterator[Ack]:
        """Yield what devices that do everything at once say to the commands that are new."""
        for record in self._commands.poll(_EVERYTHING, 0):
            command = decode_command(record.value)
            cancelled = command.cancels is not None
            yield Ack(
                command_id=command.cancels or command.command_id,
                entity=command.entity,
                outcome="cancelled" if cancelled else "succeeded",
                reason="",
                at=self._now,
            )


def _reject(_record: Record, error: RejectEventError) -> None:
    raise error
