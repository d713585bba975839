"""Settings of the Spark runtime."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ProcessingSettings(BaseModel):
    """How the real-time queries run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint_dir: Path = Field(
        Path(".fastdata/checkpoints"), description="Folder of the checkpoints, one below it per query."
    )
    checkpoint_free_mb: int = Field(
        100,
        ge=1,
        description="Megabytes that the file system of the checkpoints has to have free: with less the query does not start, and ends itself before a commit can fail.",
    )
    interval_s: int = Field(
        120,
        ge=5,
        description="Seconds between two commits of a real-time query: it pauses briefly at each, and a crash replays at most one interval.",
    )
    idle_interval_s: int = Field(10, ge=5, description="Interval in seconds when the query runs until idle.")
    memory: str = Field("2g", pattern=r"^\d+[mg]$", description="Heap of the query's Java process.")
    brief: bool = Field(
        default=False,
        description="Leave out Java's second compiler: the query is at speed after about half the CPU, and then takes a tenth more per event, with large trees more. For runs of minutes; `demo` sets it.",
    )
    shuffle_partitions: int = Field(
        1, ge=1, description="State partitions per keyed stage; fixed for the life of a checkpoint."
    )
    network_wait_ms: int = Field(
        5, ge=1, description="Longest wait of a record in a shuffle buffer, milliseconds: the latency knob."
    )
    watermark_delay_hours: int = Field(
        24, ge=0, description="How late an event may be against the newest event time, hours."
    )
    log_level: str = Field("WARN", pattern="^(ERROR|WARN|INFO|DEBUG)$", description="Spark's own log level.")
