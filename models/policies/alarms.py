"""How alarms live, from the table `alarms` of the policies: one table a condition over that of `default`."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, Field, RootModel, model_validator

from models.alarms import SEVERITIES, Severity
from models.floods import FloodRule
from models.policies.durations import Lasting
from models.policies.tables import Table
from models.scores import Score

DEFAULT: Final = "default"
"""The table that holds for every condition, as far as its own says nothing else."""


class Rate(Table):
    """How many are too many, and how few are calm again."""

    more_than: int = Field(ge=1, le=10_000)
    """It begins with more than this within the time."""

    calm_below: int = Field(ge=1)
    """It ends with fewer than this within the time."""

    within: Lasting
    """The time."""

    @model_validator(mode="after")
    def _has_hysteresis(self) -> "Rate":
        if self.calm_below > self.more_than:
            raise ValueError("`calm_below` is at most `more_than`, or it would end as it begins")
        return self

    @property
    def rule(self) -> FloodRule:
        """The same as the rule that is applied."""
        return FloodRule(more_than=self.more_than, calm_below=self.calm_below, within_ms=self.within)


def _rate(more_than: int, calm_below: int, within: str) -> Rate:
    return Rate.model_validate({"more_than": more_than, "calm_below": calm_below, "within": within})


class AlarmPolicy(Table):
    """How the alarms of one condition live."""

    on_delay: Lasting | None = None
    """How long alerts have to keep coming until a pending alarm is active; without one an alarm opens at once."""

    on_gap: Lasting = 300_000
    """How long a pending alarm waits for the next alert before it is over."""

    off_delay: Lasting = 3_600_000
    """How long no alert may come until an alarm has returned to normal."""

    deadband: float = Field(default=0, ge=0, allow_inf_nan=False)
    """How far beyond its threshold a score has to be to open an alarm; one in between only keeps an open one going."""

    latched: bool = False
    """Whether an alarm that has returned and was acknowledged stays until it is reset."""

    severity: Severity = "medium"
    """The severity of a score that reaches none of the bands."""

    severities: Mapping[Severity, float] = {}
    """From which score on it is of which severity; for a model whose low scores alert: down from which."""

    ease_after: Lasting = 900_000
    """How long no alert of a severity may come, while lesser ones do, until the severity falls."""

    realarm_after: Lasting = 86_400_000
    """How long an acknowledgement holds: a later alert makes the alarm unacknowledged again."""

    stale_after: Lasting = 86_400_000
    """How long an active alarm may want an operator until it is called stale."""

    suppressed_while: tuple[str, ...] = ()
    """Conditions of the same entity: while an alarm of one is active, this one acts on nobody."""

    chattering: Rate = _rate(5, 3, "10m")
    """How often it may open or become active again until it is called chattering, and no alarm is raised again."""

    flood: Rate = _rate(10, 5, "10m")
    """How many alarms may open, over all entities, until they are shown as one."""

    @model_validator(mode="after")
    def _bands_are_in_order(self) -> "AlarmPolicy":
        bands = [self.severities[s] for s in SEVERITIES if s in self.severities]
        if len(set(bands)) < len(bands) or bands not in (sorted(bands), sorted(bands, reverse=True)):
            raise ValueError("the scores of `severities` rise from low to critical, or all fall")
        if any(SEVERITIES.index(band) <= SEVERITIES.index(self.severity) for band in self.severities):
            raise ValueError(f"`severities` are worse than {self.severity}, which any other score has")
        return self

    def opens(self, score: Score) -> bool:
        """Whether an alert goes beyond the deadband."""
        if score.below:
            return score.score <= score.threshold - self.deadband
        return score.score >= score.threshold + self.deadband

    def graded(self, score: Score) -> Severity:
        """Return the severity of an alert."""
        reached = (s for s in reversed(SEVERITIES) if s in self.severities and self._reaches(score, s))
        return next(reached, self.severity)

    def _reaches(self, score: Score, severity: Severity) -> bool:
        band = self.severities[severity]
        return score.score <= band if score.below else score.score >= band


class AlarmPolicies(RootModel[dict[str, AlarmPolicy]]):
    """The policy of each condition that has its own, and the default one."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _over_the_default(cls, tables: Any) -> Any:
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            return tables
        default = tables.get(DEFAULT, {})
        return {DEFAULT: default} | {name: default | table for name, table in tables.items()}

    @model_validator(mode="after")
    def _nothing_suppresses_itself(self) -> "AlarmPolicies":
        for condition in self.root:
            if condition != DEFAULT and condition in self._suppressors(condition):
                raise ValueError(
                    f"by `suppressed_while`, {condition} would be suppressed while it is active itself"
                )
        return self

    def _suppressors(self, condition: str) -> set[str]:
        found: set[str] = set()
        ahead = [*self.of(condition).suppressed_while]
        while ahead:
            if (each := ahead.pop()) not in found:
                found.add(each)
                ahead += self.of(each).suppressed_while
        return found

    def of(self, condition: str) -> AlarmPolicy:
        """Return the policy of a condition."""
        return self.root.get(condition) or self.root[DEFAULT]
