"""The settings of the whole application: one object, composed of what each package documents about itself.

A value comes from the first of: a flag (`--set kafka.prefix=x`), the environment (`FASTDATA_KAFKA__PREFIX=x`),
the file `fastdata.toml`, the servers that `fastdata up` started, the default. `settings_sources` reads them.
"""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from actors.notifier.settings import NotifierSettings
from actors.settings import ActorSettings, GatewaySettings
from infra.embedded.settings import EmbeddedSettings
from ingest.settings import KafkaSettings
from pipeline.console.settings import ConsoleSettings
from pipeline.logs import Level
from pipeline.reconciliation.settings import ReconcilerSettings
from processing.settings import ProcessingSettings
from storage.settings import CassandraSettings, WriterSettings

ENV_PREFIX: Final = "FASTDATA_"
NESTED: Final = "__"
CONFIG_ENV: Final = "FASTDATA_CONFIG"
"""Environment name of the configuration file's path; not a setting itself."""


class SupervisionSettings(BaseModel):
    """How `fastdata run` treats its children."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_delay_s: float = Field(
        default=0.25, gt=0, description="Wait before the first restart of a child, in seconds."
    )
    max_delay_s: float = Field(
        default=30, gt=0, description="Longest wait before a restart, in seconds; it doubles up to this."
    )
    budget: int = Field(
        default=10, ge=0, description="Crashes of one child within the window that are restarted."
    )
    window_s: float = Field(
        default=300, gt=0, description="Length of the window in which crashes count, in seconds."
    )
    ready_timeout_s: float = Field(default=120, gt=0, description="Longest start of a child, in seconds.")
    grace_s: float = Field(
        default=20, gt=0, description="Time of a child to stop before it is killed, in seconds."
    )
    settle_s: float = Field(
        default=5,
        ge=0,
        description="Time that a part of a new release has to stay ready before the next part is changed, in seconds.",
    )
    standby: bool = Field(
        default=True,
        description="Keep a second query process prepared (about 1.2 GB), which takes over when the first crashes.",
    )
    standby_after_s: float = Field(
        default=60,
        ge=0,
        description="Time that the query has to be ready before its standby is started, in seconds.",
    )
    servers_check_s: float = Field(
        default=0.5,
        gt=0,
        description="Seconds between two looks at the embedded servers; a dead one is started again.",
    )
    log_bytes: int = Field(
        default=10_000_000, ge=10_000, description="Size in bytes at which a child's log moves aside."
    )
    logs_kept: int = Field(default=2, ge=1, description="Moved logs that are kept per child.")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter=NESTED, extra="forbid", frozen=True
    )

    namespace: str = Field(
        default="",
        pattern=r"^[a-z0-9_]{0,32}$",
        description="Keeps a run apart from others on the same servers: it names the topics' prefix, the keyspace "
        "and the run's directory. Replays of old events belong in a namespace of their own.",
    )
    log_level: Level = Field(default="info", description="Least important messages that are logged.")
    models_dir: Path = Field(
        default=Path(".fastdata/models"),
        description="Directory of trained model artifacts; below the state directory unless set.",
    )
    token_key: Path = Field(
        default=Path(".fastdata/token.key"),
        description="File of the key that turns card numbers into tokens (created on first use, readable by its owner only); "
        "below the state directory unless set.",
    )
    policies: Path | None = Field(
        default=None,
        description="File of the policies that alarms, commands, cases and notifications follow (TOML); unset: the "
        "built-in ones, which `fastdata policies show` prints.",
    )
    run_dir: Path = Field(
        default=Path(".fastdata/runs/main"),
        description="Directory of one namespace: logs, checkpoints, the ledgers of gateway and notifier; below the state directory unless set.",
    )
    embedded: EmbeddedSettings = Field(default_factory=EmbeddedSettings)
    kafka: KafkaSettings
    cassandra: CassandraSettings = Field(default_factory=CassandraSettings)
    processing: ProcessingSettings = Field(default_factory=lambda: ProcessingSettings.model_validate({}))
    writer: WriterSettings = Field(default_factory=WriterSettings)
    actors: ActorSettings = Field(default_factory=ActorSettings)
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    notifier: NotifierSettings = Field(default_factory=NotifierSettings)
    reconciler: ReconcilerSettings = Field(default_factory=ReconcilerSettings)
    console: ConsoleSettings = Field(default_factory=ConsoleSettings)
    supervision: SupervisionSettings = Field(default_factory=SupervisionSettings)

    @model_validator(mode="after")
    def _writer_gives_up_in_time(self) -> "Settings":
        if self.writer.give_up_s * 1_000 >= self.kafka.max_poll_interval_ms:
            raise ValueError(
                "writer.give_up_s is not below kafka.max_poll_interval_ms: the group would expel a writer that still waits"
            )
        return self
