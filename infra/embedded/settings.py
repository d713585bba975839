"""The settings of the embedded servers."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from infra.jars import DEFAULT_CACHE

Port = Annotated[int, Field(ge=1024, le=65000)]
Megabytes = Annotated[int, Field(ge=1)]
_V = TypeVar("_V")

# What the layout of the servers depends on: changing these by hand would break `up` and `down`.
_OWN_KAFKA_KEYS = ("node.id", "listeners", "advertised.listeners", "controller.", "log.dir", "process.roles")
_OWN_CASSANDRA_KEYS = (
    "cluster_name",
    "num_tokens",
    "initial_token",
    "listen_address",
    "rpc_address",
    "native_transport_port",
    "storage_port",
    "seed_provider",
    "_directory",
    "_directories",
)


def _number(value: object) -> object:
    """Read what an environment variable or a flag can only say as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


class EmbeddedSettings(BaseModel):
    """How Kafka and Cassandra run as processes of this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_dir: Path = Path(".fastdata")
    """Directory of the servers' data, logs and `servers.json`."""
    nodes: Annotated[Literal[1, 3], BeforeValidator(_number)] = 1
    """Servers of each kind; three replicate everything three times, on 127.0.0.1 to 127.0.0.3."""
    kafka_port: Port = 19092
    """Wanted port of the brokers; another is taken, and written down, when this one is in use."""
    kafka_controller_port: Port = 19093
    """Wanted port of the Kafka controllers."""
    cassandra_port: Port = 19042
    """Wanted port for CQL."""
    cassandra_storage_port: Port = 17000
    """Wanted port between Cassandra nodes."""
    kafka_heap_mb: Annotated[int, Field(ge=128)] = 512
    """Java heap of each broker, MiB."""
    cassandra_heap_mb: Annotated[int, Field(ge=256)] = 1024
    """Java heap of each Cassandra node, MiB."""
    log_file_mb: Megabytes = 10
    """Size at which a server's log file is rolled, MiB."""
    log_files: Annotated[int, Field(ge=1, le=100)] = 3
    """Rolled log files kept of each server."""
    start_timeout_s: Annotated[float, Field(gt=0)] = 180.0
    """Seconds after which a server that does not answer is given up."""
    stop_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds a server has to stop by itself before it is killed."""
    jar_cache: Path = DEFAULT_CACHE
    """Directory in which downloaded jars are kept."""
    kafka_extra: dict[str, str] = {}
    """More lines for each broker's `server.properties`."""
    cassandra_extra: dict[str, Any] = {}
    """More settings for each node's `cassandra.yaml`."""

    @field_validator("kafka_extra")
    @classmethod
    def _refuse_own_kafka_keys(cls, extra: dict[str, str]) -> dict[str, str]:
        return _without(extra, [key for key in extra if key.startswith(_OWN_KAFKA_KEYS)])

    @field_validator("cassandra_extra")
    @classmethod
    def _refuse_own_cassandra_keys(cls, extra: dict[str, Any]) -> dict[str, Any]:
        return _without(extra, [key for key in extra if key.endswith(_OWN_CASSANDRA_KEYS)])


def _without(extra: dict[str, _V], refused: list[str]) -> dict[str, _V]:
    if refused:
        raise ValueError(f"{', '.join(refused)} follow from the other settings: remove them here")
    return extra
