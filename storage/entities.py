"""The port of entity state: what an actor keeps of one entity, changed in one step or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.actions import CommandStatus
from storage.alarms import AlarmStore
from storage.audit import AuditStore
from storage.cases import CaseStore
from storage.errors import StaleWriteError
from storage.listing import Listing
from storage.orders import OrderStore
from storage.permits import PermitStore


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command of an entity's outbox.

    Attributes
    ----------
    body
        The encoded order: the command, and how far it has come.
    """

    command_id: str
    status: CommandStatus
    body: str


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation that an entity has decided, and its encoded audit entry."""

    operation_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An entity as stored at one version; version 0 and no state when nothing was stored yet."""

    version: int
    state: str | None
    alerts: frozenset[str]
    commands: tuple[CommandRow, ...]
    operations: tuple[OperationRow, ...] = ()


EMPTY = Snapshot(version=0, state=None, alerts=frozenset(), commands=())
"""An entity that was never saved."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one save brings: the whole new state, alerts and operations newly taken, commands new or changed."""

    state: str
    alerts: tuple[str, ...] = ()
    commands: tuple[CommandRow, ...] = ()
    operations: tuple[OperationRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Save:
    """A change of one entity, to be applied if it is still at the expected version."""

    entity: str
    expected_version: int
    change: Change


def alert_id(event_id: str, model: str) -> str:
    """Name an alert: one event as judged by one model."""
    return f"{event_id}/{model}"


class EntityStore(AlarmStore, CaseStore, OrderStore, PermitStore, AuditStore, Protocol):
    """Entities, each changed by one conditional write, their alarms, cases and commands for lists, permits, and the audit."""

    def load(self, entity: str, *, settled: bool = True) -> Snapshot:
        """Return the entity as the last successful save left it; commands and operations are sorted by id.

        Parameters
        ----------
        settled
            False is cheaper, and may miss a save whose writer has not heard yet that it was applied. To save on top
            of such a snapshot is safe, since that save is refused then; to conclude anything else from it is not.
        """
        ...

    def save(self, entity: str, expected_version: int, change: Change) -> int:
        """Apply the change if the entity is still at the expected version; return the new version.

        Raises
        ------
        StaleWriteError
            Another writer was there; nothing of the change is stored.
        RetryLaterError
            Nobody knows whether it is stored: load again and decide anew. Doing the same change twice is
            harmless, because alerts and commands are rows with ids.
        """
        ...

    def load_all(self, entities: Sequence[str], *, settled: bool = True) -> list[Snapshot]:
        """Return what `load` returns for each of these entities, in their order."""
        ...

    def save_all(self, saves: Sequence[Save]) -> list[int | StaleWriteError]:
        """Apply changes of different entities, each for itself; return the new version or the refusal of each.

        Raises
        ------
        RetryLaterError
            Nobody knows what of it is stored: some, all or nothing.
        """
        ...

    def record(self, listing: Listing) -> None:
        """Record rows for lists; any of them may be stored when it raises, and all may be recorded again."""
        ...

    def taken_at(self, entity: str, alert_id: str) -> int | None:
        """Return when an alert was taken, in milliseconds since the epoch, or None."""
        ...

    def entities(self) -> Iterator[str]:
        """Walk all entities once, in no order, without loading them all at a time."""
        ...
