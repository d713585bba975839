"""When alarms open a case for investigators, and how it is kept, from the table `cases` of the policies.

One table a model over that of `default`.
"""

from typing import Any, Final

from pydantic import ConfigDict, Field, RootModel, model_validator

from models.alarms import Severity
from models.policies.durations import Lasting
from models.policies.tables import Table

DEFAULT: Final = "default"
"""The table that holds for every model, as far as its own says nothing else."""


class CasePolicy(Table):
    """How the alarms of one model make cases."""

    opens_at: Severity | None = None
    """The least severity at which an alarm opens a case; without it only investigators open cases."""

    due_after: Lasting | None = 259_200_000
    """How long after its opening a case should be closed."""

    evidence: int = Field(default=50, ge=1, le=500)
    """Most alerts that a case keeps as evidence; of the others it keeps their number."""


class CasePolicies(RootModel[dict[str, CasePolicy]]):
    """The policy of each model that has its own, and the default one."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _over_the_default(cls, tables: Any) -> Any:
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            return tables
        default = tables.get(DEFAULT, {})
        return {DEFAULT: default} | {name: default | table for name, table in tables.items()}

    def of(self, model: str) -> CasePolicy:
        """Return the policy of a model."""
        return self.root.get(model) or self.root[DEFAULT]
