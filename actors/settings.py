"""Settings of the actor worker and of the device gateway."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from actors.bridges.settings import HttpSettings, MqttSettings
from storage.buckets import BUCKETS


class ActorSettings(BaseModel):
    """How one worker takes alerts and acknowledgements."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = Field(default="actors", min_length=1)
    """Kafka consumer group of all workers (the topics' prefix is put in front)."""

    shards: int = Field(default=16, ge=1, le=BUCKETS)
    """Shard actors (threads) in one worker; each owns the entities of some buckets."""

    batch: int = Field(default=256, ge=1, le=10_000)
    """Most cards or machines whose messages a shard takes at once; all that wait of one share a write, 64 at most."""

    lane: int = Field(default=2048, ge=1, le=100_000)
    """Most alerts that wait for one shard, and most of what overtakes them; beyond it no more is read from Kafka."""

    entities: int = Field(default=20_000, ge=1)
    """Entity snapshots kept in memory, over all shards."""

    sweep_s: float = Field(default=5, gt=0)
    """Seconds between two looks for alarms that have been silent for long enough, or whose shelf has ended."""

    sweep_most: int = Field(default=1_000, ge=1, le=100_000)
    """Most alarms that one such look takes up; what is left comes with the next."""

    commit_interval_s: float = Field(default=0.5, gt=0)
    """Seconds between two commits of offsets."""

    session_timeout_s: float = Field(default=10, gt=0)
    """Seconds of silence after which Kafka gives a worker's partitions to another."""

    heartbeat_s: float = Field(default=2, gt=0)
    """Seconds between two heartbeats to the group's coordinator."""

    rebalance_timeout_s: float = Field(default=30, gt=0)
    """Seconds that members have to join again when the group changes."""

    request_timeout_s: float = Field(default=30, gt=0)
    """Seconds that a request to Kafka may take; longer than the session timeout."""

    retry_first_s: float = Field(default=0.05, gt=0)
    """First pause in seconds after a failed call or a crashed shard; it doubles each time."""

    retry_most_s: float = Field(default=2, gt=0)
    """Longest pause in seconds."""

    stall_s: float = Field(default=30, gt=0)
    """Seconds without a message after which a worker looks whether some wait; it ends where they do twice in a row."""

    crashes: int = Field(default=8, ge=0)
    """Crashes of one shard in a row after which the worker gives up and its process ends."""

    drain_s: float = Field(default=10, ge=0)
    """Seconds that a stopping worker waits for what it has begun."""

    state_dir: Path = Path(".fastdata/actors")
    """Folder that Faust may write to."""


class GatewaySettings(BaseModel):
    """How the device gateway reaches devices; `docs/gateway.md` is the contract with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["simulated", "http", "mqtt"] = "simulated"
    """The way to devices: an issuer and a plant simulated in the gateway, HTTP, or MQTT."""

    group: str = Field(default="gateway", min_length=1)
    """Kafka consumer group of the gateway (the topics' prefix is put in front)."""

    ledger: Path = Path(".fastdata/gateway.sqlite")
    """File of the durable ledger of commands and answers; one gateway process writes it."""

    grace_s: float = Field(default=5, ge=0)
    """Seconds after a command's expiry that the gateway waits for a device's word before it says `expired` itself."""

    refuse_probability: float = Field(default=0.02, ge=0, le=1)
    """Share of the commands that simulated devices refuse, chosen by seed and command id."""

    sleep_probability: float = Field(default=0, ge=0, le=1)
    """Share of the simulated devices that sleep in turns, chosen by seed and entity."""

    sleep_s: float = Field(default=60, ge=0)
    """Seconds that such a device is asleep, and then as long awake."""

    latency_s: float = Field(default=0, ge=0)
    """Seconds that a simulated device works on a command; above 0 it says `delivered` first."""

    seed: int = 0
    """Seed of what simulated devices do."""

    batch: int = Field(default=500, ge=1, le=10_000)
    """Most commands taken in one transaction of the ledger."""

    poll_s: float = Field(default=0.2, gt=0)
    """Longest wait in seconds for the next commands while no answer is awaited."""

    retry_first_s: float = Field(default=0.05, gt=0)
    """First pause in seconds after a failed call to Kafka; it doubles each time."""

    retry_most_s: float = Field(default=2, gt=0)
    """Longest pause in seconds."""

    http: HttpSettings = Field(default_factory=HttpSettings)
    mqtt: MqttSettings = Field(default_factory=MqttSettings)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.kind == "http" and not self.http.url:
            raise ValueError("gateway.kind is http: gateway.http.url has to say where devices are")
        return self
