"""Settings of the consoles."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class ConsoleSettings(BaseModel):
    """How operators' programs reach this one; it listens on 127.0.0.1 only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int = Field(default=8420, ge=0, le=65_535)
    """Port of the HTTP API; 0 takes any that is free."""

    token: SecretStr | None = None
    """Bearer token that a request has to bring; none: every user of this machine may ask. Better kept in a file."""

    token_file: Path | None = None
    """File that holds the token."""

    wait_s: float = Field(default=15, ge=0.1, le=300)
    """Seconds that a change waits for the actor that decides it, after which it expires."""

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("token and token_file: give one of them")
        return self
