"""The faults by name: each one function that takes the rig, does its harm, and says what it did."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from pipeline.drill.faults import artifacts, checkpoints, clocks, disks, inputs, kills, servers, stops, storms
from pipeline.drill.rig import Fault
from pipeline.part import NAMES

SERVERS: Final = ("broker", "controller", "cassandra")
TOUCHED: Final = (*NAMES, *SERVERS)

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        **{f"kill-{name}": partial(kills.once, name) for name in TOUCHED},
        **{f"kill-{name}-twice": partial(kills.twice, name) for name in TOUCHED},
        **{f"kill-{name}-mid-batch": partial(kills.mid_batch, name) for name in TOUCHED},
        **{f"stop-{name}": partial(stops.stop, name) for name in TOUCHED},
        "storm-writer": partial(storms.storm, "writer"),
        "storm-actors": partial(storms.storm, "actors"),
        "bounce-broker": servers.bounce_broker,
        "restart-servers": servers.restart,
        "cassandra-away": servers.cassandra_away,
        "cassandra-slow": servers.cassandra_slow,
        "disk-full-broker": partial(disks.full, "broker"),
        "disk-full-cassandra": partial(disks.full, "cassandra"),
        "disk-full-checkpoint": partial(disks.full, "checkpoint"),
        "checkpoint-torn": checkpoints.torn,
        "checkpoint-old": checkpoints.old,
        "checkpoint-lost": checkpoints.lost,
        "clock-producer": clocks.producer,
        **{f"clock-{name}": partial(clocks.part, name) for name in NAMES},
        "poison": inputs.poison,
        "hot-key": inputs.hot_key,
        "burst": inputs.burst,
        "artifact-corrupt": artifacts.corrupt,
        "artifact-checksum": artifacts.checksum,
        "reread-writer": partial(inputs.reread, "writer"),
        "reread-actors": partial(inputs.reread, "actors"),
        "reread-gateway": partial(inputs.reread, "gateway"),
        "reread-notifier": partial(inputs.reread, "notifier"),
        "duplicates": inputs.duplicates,
    }
)
"""Every fault."""
