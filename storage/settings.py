"""Settings of the Cassandra edge."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Days = Annotated[int, Field(ge=1, le=3650)]


class Retention(BaseModel):
    """How many days rows live; applied to the tables by `migrate`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: Days = 90
    """Days that scores and the index of events live."""

    alarms: Days = 400
    """Days that the lists of alarms live."""

    cases: Days = 1_825
    """Days that cases and their evidence live."""

    audit: Days = 1_825
    """Days that the audit of operations lives."""

    taken_alerts: Days = 30
    """Days that an entity remembers an alert it took; longer than Kafka keeps the topic `alerts`."""

    commands: Days = 90
    """Days that an entity keeps a command after its last change, and an operation; longer than a command may take."""

    counts: Days = 30
    """Days that the reconciler's counts by minute live."""


class CassandraSettings(BaseModel):
    """Where Cassandra is, and how this process talks to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contact_points: tuple[str, ...] = Field(default=("127.0.0.1",), min_length=1)
    """Addresses of nodes to ask first."""

    port: int = Field(default=19042, ge=1, le=65_535)
    """Port of the native protocol, the same on all nodes."""

    local_dc: str = "datacenter1"
    """Datacenter whose nodes are asked; its quorum decides."""

    keyspace: str = Field(default="fastdata", pattern=r"^[a-z][a-z0-9_]{0,47}$")
    """Keyspace of all tables."""

    replication_factor: int = Field(default=1, ge=1, le=7)
    """Replicas of each row in the local datacenter, used when the keyspace is created."""

    username: str | None = None
    """User, when the cluster asks for one."""

    password: SecretStr | None = None
    """Password of that user."""

    connect_timeout_s: float = Field(default=5, gt=0)
    """Longest wait in seconds for one connection attempt."""

    connect_give_up_s: float = Field(default=60, ge=0)
    """Seconds after which a start without any node is given up; 0: one attempt."""

    request_timeout_s: float = Field(default=10, gt=0)
    """Longest wait in seconds for one answer."""

    retention: Retention = Retention()
    """How long rows live."""

    batch_rows: int = Field(default=64, ge=1, le=100)
    """Most rows in one unlogged batch, of scores or of what lists show."""

    batch_bytes: int = Field(default=24_576, ge=1_024, le=40_960)
    """Most bytes of values in one such batch; Cassandra refuses batches over 50 KiB by default."""

    requests_in_flight: int = Field(default=16, ge=1, le=512)
    """Most batches that wait for an answer at once."""

    @model_validator(mode="after")
    def _whole_credentials(self) -> "CassandraSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both or neither")
        return self


class WriterSettings(BaseModel):
    """How the score writer takes records and waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = Field(default="writer", min_length=1)
    """Kafka consumer group of all writers (the topics' prefix is put in front)."""

    batch: int = Field(default=2_000, ge=1, le=100_000)
    """Most records between two commits."""

    poll_s: float = Field(default=0.2, gt=0)
    """Longest wait in seconds for the next records."""

    retry_first_s: float = Field(default=0.1, gt=0)
    """First pause in seconds after Cassandra did not answer; it doubles each time."""

    retry_most_s: float = Field(default=2, gt=0)
    """Longest pause in seconds."""

    give_up_s: float = Field(default=240, gt=0)
    """Seconds without success after which the writer ends, its offsets uncommitted; less than
    `max.poll.interval.ms` of the consumer (300 s), so that it ends before its group expels it."""
