"""Which command an alarm leads to, from the entries `[[commands]]` of the policies."""

from pydantic import Field

from models.actions import CommandKind
from models.alarms import Severity
from models.policies.durations import Lasting
from models.policies.tables import Table


class CommandPolicy(Table):
    """One command for the alarms of some models."""

    models: tuple[str, ...] = Field(min_length=1)
    """The models whose alarms lead to it."""

    command: CommandKind
    """What is to be done."""

    severity: Severity = "low"
    """The least severity at which it is."""

    expires_after: Lasting = 3_600_000
    """How long after its issue it may still be carried out."""
