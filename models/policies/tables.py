"""What all tables of a policy file have in common."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of the policy file: what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
