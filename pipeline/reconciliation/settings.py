"""Settings of the reconciler."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ReconcilerSettings(BaseModel):
    """How a running pipeline is reconciled, minute by minute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grace_s: float = Field(default=60, ge=1)
    """Seconds after a minute's end before its stages are compared; also how far back `verify --live` compares."""

    patience_s: float = Field(default=900, ge=1)
    """Seconds after a minute's end after which what a slow part has not done yet counts as missing."""

    look_s: float = Field(default=10, gt=0)
    """Seconds between two looks at what can be compared, and at whether what was missing has come."""

    alarm_every_s: float = Field(default=60, ge=1)
    """Seconds between two alerts for one gap that stays; shorter than the `off_delay` of the condition `gap`."""

    lookback_s: float = Field(default=3_600, ge=60)
    """How far back the first start in a namespace begins to count, in seconds."""

    skew_s: float = Field(default=300, ge=0)
    """By how many seconds the clocks of producers and brokers may differ; a start reads that much more."""

    checks_per_minute: int = Field(default=3_000, ge=1)
    """Most scores, and most alerts, of one minute that are looked for in Cassandra; where there are more, an even
    share by their ids."""

    ids: int = Field(default=20, ge=1, le=1_000)
    """Most names of what is missing that an alarm and a row of counts hold; the rest is counted."""

    batch: int = Field(default=10_000, ge=1, le=100_000)
    """Most records that are taken at once."""

    poll_s: float = Field(default=0.5, gt=0)
    """Seconds in which records are gathered before they are counted."""

    @model_validator(mode="after")
    def _patience_outlasts_grace(self) -> Self:
        if self.patience_s < self.grace_s:
            raise ValueError(
                "reconciler.patience_s is shorter than reconciler.grace_s: nothing would be waited for"
            )
        return self
