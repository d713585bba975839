"""Settings of the notifier; who is told of what is in the policy file (`models.policies.notifications`)."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class NotifierSettings(BaseModel):
    """How changes of alarms are read and messages delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = Field(default="notifier", min_length=1)
    """Kafka consumer group of the notifier (the topics' prefix is put in front)."""

    ledger: Path = Path(".fastdata/notifications.sqlite")
    """File of the durable ledger: what was told, what has still to be, and the timers."""

    file: Path = Path(".fastdata/notifications.jsonl")
    """File of the channel `local`: each message as one line of JSON."""

    batch: int = Field(default=500, ge=1, le=10_000)
    """Most changes taken in one transaction of the ledger."""

    poll_s: float = Field(default=0.2, gt=0)
    """Longest wait in seconds for the next changes, and between two looks at the timers."""

    oldest_s: float = Field(default=3_600, gt=0)
    """Changes older than this many seconds when they are read are not told (their alarms escalate if still open)."""

    catch_up_s: float = Field(default=60, ge=0)
    """Longest wait in seconds after a start, for what is in the topic, before timers are followed."""

    lines: int = Field(default=10, ge=1, le=100)
    """Most alarms named in one message, the worst first; the others are counted."""

    attempts: int = Field(default=5, ge=1, le=100)
    """How often a channel is tried with one message before its fallback gets it."""

    retry_first_s: float = Field(default=1, gt=0)
    """First pause in seconds after a failed try of a channel, and of Kafka; it doubles for a channel."""

    retry_most_s: float = Field(default=60, gt=0)
    """Longest pause in seconds between two tries of a channel."""

    send_timeout_s: float = Field(default=10, gt=0)
    """Seconds after which one try of a channel counts as failed."""

    drain_s: float = Field(default=5, ge=0)
    """Seconds that a stopping notifier goes on delivering."""

    keep_days: int = Field(default=30, ge=1, le=3_650)
    """Days that delivered messages are kept in the ledger."""
