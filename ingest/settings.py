"""The settings of the Kafka edge: where the cluster is, what its topics look like, how clients behave."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

TopicName = Literal[
    "transactions",
    "labels",
    "readings",
    "features",
    "scores",
    "alerts",
    "alarms",
    "commands",
    "acks",
    "operations",
    "dead-letters",
]
"""A topic's name in this application; in Kafka it has `KafkaSettings.prefix` in front."""

Prefix = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{0,150}$")]


class TopicSettings(BaseModel):
    """What one topic shall be like; a field left out keeps the topic's default (`ingest.catalog.TOPICS`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partitions: PositiveInt | None = Field(
        default=None, description="Number of partitions; it can only be raised."
    )
    retention_hours: PositiveFloat | Literal["forever"] | None = Field(
        default=None, description="How long records are kept, in hours since they were written, or `forever`."
    )


class KafkaSettings(BaseModel):
    """How to reach Kafka and how producers and consumers behave there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = Field(
        min_length=1, description="Brokers to ask first: `host:port`, comma separated."
    )
    prefix: Prefix = Field(default="", description="Put in front of every topic and consumer group name.")
    replication_factor: PositiveInt = Field(default=1, description="Copies of each partition.")
    min_insync_replicas: PositiveInt = Field(
        default=1, description="Copies that must have a record before it is acknowledged."
    )
    topics: dict[TopicName, TopicSettings] = Field(
        default_factory=dict, description="Settings of single topics, by name without prefix."
    )
    linger_ms: float = Field(
        default=5, ge=0, le=1_000, description="How long a producer waits to fill a batch, in milliseconds."
    )
    compression: Literal["none", "lz4", "zstd", "snappy", "gzip"] = Field(
        default="lz4", description="How producers compress batches."
    )
    delivery_timeout_ms: PositiveInt = Field(
        default=120_000, description="How long a record may wait for its acknowledgement, in milliseconds."
    )
    request_timeout_ms: PositiveInt = Field(
        default=10_000,
        description="How long an administrative request or a commit may take, in milliseconds.",
    )
    session_timeout_ms: int = Field(
        default=10_000,
        ge=6_000,
        description="After how long without heartbeat a consumer counts as dead, milliseconds.",
    )
    max_poll_interval_ms: int = Field(
        default=300_000,
        ge=6_000,
        description="How long a consumer may work on one batch before it loses its partitions, milliseconds.",
    )

    @model_validator(mode="after")
    def _timeouts_and_replicas_fit(self) -> "KafkaSettings":
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError(
                "min_insync_replicas is higher than replication_factor: nothing could be written"
            )
        if self.max_poll_interval_ms < self.session_timeout_ms:
            raise ValueError("max_poll_interval_ms is lower than session_timeout_ms")
        if self.delivery_timeout_ms < self.linger_ms:
            raise ValueError("delivery_timeout_ms is lower than linger_ms: every record would time out")
        return self
