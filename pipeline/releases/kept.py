"""What releases write for each other to read: on topics, in tables, in files. All of it is compared before a change."""

from typing import Any, Final

import msgspec

from actors.entity import EntityState
from actors.notifier.duties import Duty
from actors.notifier.messages import Flooded, Message
from models.actions import Ack, Command
from models.alarms import AlarmChange
from models.artifact import FORMAT, Artifact
from models.cases import Evidence
from models.dead_letters import DeadLetter
from models.deployment import Candidate, Deployment
from models.events import AnyEvent
from models.floods import Watch
from models.operations import AuditEntry, Operation
from models.orders import Order
from models.scores import Score
from models.serving import Serving
from pipeline.progress import Kept

KEPT: Final[dict[str, Any]] = {
    "events": AnyEvent,
    "scores": Score,
    "commands": Command,
    "acks": Ack,
    "operations": Operation,
    "alarm changes": AlarmChange,
    "dead letters": DeadLetter,
    "entities": EntityState,
    "orders": Order,
    "evidence of cases": Evidence,
    "audit": AuditEntry,
    f"model artifacts of format {FORMAT}": Artifact,
    "deployments": Deployment,
    "servings": Serving,
    "checkpoints' records": Candidate,
    "progress": dict[str, Kept],
    "notifier's duties": Duty,
    "notifier's watches": Watch,
    "notifier's floods": Flooded,
    "notifier's messages": Message,
}
"""Name for people -> type."""


def schemas() -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the JSON schema of each by name, and the named schemas that they refer to."""
    found, components = msgspec.json.schema_components(list(KEPT.values()))
    return dict(zip(KEPT, found, strict=True)), components
