"""Which command an alarm leads to, and under which conditions, from the entries `[[commands]]` of the policies."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.actions import REVERTS, CommandKind
from models.alarms import SEVERITIES, Severity
from models.policies.durations import Lasting, Milliseconds
from models.policies.limits import BlastRadius, Limit, QuietHours, Retry
from models.policies.tables import Table

Mode = Literal["automatic", "approval", "dry_run"]
"""`approval`: people have to agree first. `dry_run`: it is noted what would have been sent."""

DESTRUCTIVE: Final[frozenset[CommandKind]] = frozenset({"stop_machine"})
"""Kinds that do harm when they are wrong: two people have to agree, unless their policy says otherwise in words."""

LONGEST: Final = 30 * 86_400_000
"""Longest life of a command, milliseconds; an entity forgets its commands some time after."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class CommandPolicy(Table):
    """One command for the alarms of some models."""

    name: str = Field(default="", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$|^$")
    """What people and limits call it; without one, its command and models."""

    models: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """The models whose alarms lead to it: one, or a list."""

    command: CommandKind
    """What is to be done."""

    severity: Severity = "low"
    """The least severity at which it is."""

    mode: Mode = "automatic"
    """Whether it goes by itself, after approval, or not at all."""

    two_people: bool = False
    """For `approval`: two people have to stand behind it; whoever sends it by hand is one of them."""

    destructive_automatic: bool = False
    """Take the responsibility for a destructive command that two people do not look at."""

    manual: bool = False
    """Whether operators may send it to any entity; to those of its models' alarms they may anyway."""

    per_entity: Limit | None = None
    """Most of it for one entity; what is beyond is held back."""

    overall: Limit | None = None
    """Most of it in all; what is beyond is held back."""

    blast_radius: BlastRadius | None = None
    """How much of a fleet it may have changed at once."""

    quiet_hours: tuple[QuietHours, ...] = ()
    """When it is held back."""

    expires_after: Annotated[Lasting, Field(le=LONGEST)] = 3_600_000
    """How long after its issue it may still be carried out."""

    timeout: Lasting | None = None
    """How long after it was let go the device's last word may take; without one until shortly after its expiry."""

    retry: Retry | None = None
    """How it is sent again while there is no answer; a device that knows it drops it."""

    revert_after: Annotated[Lasting, Field(le=LONGEST)] | None = None
    """How long after its success it is undone by the counter-command."""

    verify_within: Annotated[Lasting, Field(le=LONGEST)] | None = None
    """How long after its success events of the same condition show that it had no effect."""

    verify_grace: Milliseconds = 0
    """How long after its success events are still of the time before."""

    @property
    def key(self) -> str:
        """What people and limits call it."""
        return self.name or f"{self.command}/{'+'.join(self.models) or 'by-hand'}"

    @property
    def people(self) -> int:
        """How many people have to stand behind one that the policy orders."""
        return 0 if self.mode != "approval" else 2 if self.two_people else 1

    @property
    def rank(self) -> int:
        """How bad an alarm has to be to lead to it, from 0."""
        return SEVERITIES.index(self.severity)

    @property
    def has_permits(self) -> bool:
        """Whether a limit holds over all entities."""
        return self.overall is not None or self.blast_radius is not None

    def concerns(self, condition: str, severity: Severity) -> bool:
        """Whether an alarm of this condition and severity leads to it."""
        return condition in self.models and SEVERITIES.index(severity) >= self.rank

    @model_validator(mode="after")
    def _led_to(self) -> Self:
        if not self.models and not self.manual:
            raise ValueError("nothing leads to it: name `models`, or say `manual = true`")
        return self

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        if self.two_people and self.mode == "automatic":
            raise ValueError(
                '`two_people` needs `mode = "approval"`: nobody is asked about an automatic command'
            )
        alone = self.mode == "automatic" or (self.mode == "approval" and not self.two_people)
        if self.command in DESTRUCTIVE and alone and not self.destructive_automatic:
            raise ValueError(
                f'{self.command} is destructive: say `mode = "approval"` and `two_people = true`, or '
                "`destructive_automatic = true` if it shall go without two people"
            )
        return self

    @model_validator(mode="after")
    def _can_be_reverted(self) -> Self:
        if self.revert_after is not None and self.command not in REVERTS:
            raise ValueError(f"nothing undoes {self.command}: take `revert_after` out")
        return self

    @model_validator(mode="after")
    def _grace_within(self) -> Self:
        if self.verify_grace and (self.verify_within is None or self.verify_grace >= self.verify_within):
            raise ValueError("`verify_grace` is a part of `verify_within`: make it shorter than that")
        return self
