"""Asking an entity's actor for something: the operation goes out, its audit entry comes back.

An operation that nobody takes in time expires, so what was reported as not done is never done later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ingest.ports import Clock, ProducerPort
from models import operations
from models.operations import AuditEntry, Operation
from pipeline.errors import ServerAwayError
from storage.entities import EntityStore

GRACE_MS: Final = 3_000
"""How long an answer may take to be written after the actor has decided, in milliseconds."""


@dataclass(frozen=True)
class Desk:
    """Where people's wishes go.

    Attributes
    ----------
    actors
        Counts the actor workers that run.
    pause
        Waits between two looks for the answer.
    """

    store: EntityStore
    producer: ProducerPort
    actors: Callable[[], int]
    clock: Clock
    new_id: Callable[[], str]
    pause: Callable[[], None]


def ask(desk: Desk, operation: Operation) -> AuditEntry:
    """Send an operation to the actor and return what became of it.

    Raises
    ------
    ServerAwayError
        When no actor runs (nothing was sent), or none has answered in time (it will never be applied).
    """
    if not desk.actors():
        raise ServerAwayError(
            "no actors run here: start them with `fastdata run`; nothing was sent or changed"
        )
    desk.producer.send("operations", operation.entity, operations.encode(operation))
    desk.producer.flush()
    while (entry := desk.store.audit_of(operation.operation_id)) is None:
        if desk.clock() > operation.expires_at + GRACE_MS:
            lasted = (operation.expires_at - operation.asked_at) / 1_000
            raise ServerAwayError(
                f"no actor has answered within {lasted:g} s, operation {operation.operation_id} has expired and is "
                "refused should one come to it: look at `fastdata status` and at logs/actors.log of the run"
            )
        desk.pause()
    return entry
