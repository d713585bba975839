"""How a Cassandra node is configured and started."""

import json
from collections.abc import Sequence
from pathlib import Path

from infra.embedded.java import COMMON_FLAGS, class_path, write_arguments
from infra.embedded.layout import Node
from infra.embedded.settings import EmbeddedSettings

MAIN = "org.apache.cassandra.service.CassandraDaemon"
DATACENTER = "datacenter1"

_TOKENS_PER_NODE = 16
_RING = 2**64

_ROLLING = """<configuration>
  <appender name="file" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>{file}</file>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <fileNamePattern>{file}.%i</fileNamePattern><minIndex>1</minIndex><maxIndex>{files}</maxIndex>
    </rollingPolicy>
    <triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>{megabytes}MB</maxFileSize>
    </triggeringPolicy>
    <encoder><pattern>%d %-5level %msg \\(%logger{{36}}\\)%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="file"/></root>
</configuration>
"""

# Java's modules that Cassandra reaches into, from its own jvm17-server.options.
_EXPORTS = (
    "java.base/java.lang.ref",
    "java.base/java.lang.reflect",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
)
_OPENS = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
)
MODULE_FLAGS = (
    *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTS),
    *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENS),
    "-Djdk.attach.allowAttachSelf=true",
)
# No JMX port at all: nothing here needs one, and Cassandra's is unauthenticated.
_START_FLAGS = (
    "-Dcassandra.shutdown_announce_in_ms=200",
    "-Dcassandra.ring_delay_ms=1000",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.size_recorder_interval=0",
    "-Dcassandra.consistent.rangemovement=false",
    "-Dcassandra.superuser_setup_delay_ms=0",
)


def tokens(number: int, count: int) -> list[int]:
    """Give a node's places on the ring: even and known beforehand, so that nodes may start together."""
    total = _TOKENS_PER_NODE * count
    places = range(number - 1, total, count)
    return [place * _RING // total - _RING // 2 for place in places]


def commit_logs(node: Node) -> Path:
    """Give the folder of a node's commit logs."""
    return node.data / "commitlog"


def configuration(node: Node, nodes: Sequence[Node], settings: EmbeddedSettings) -> dict[str, object]:
    """Give the settings of one node."""
    seeds = ",".join(f"{n.host}:{n.ports.internal}" for n in nodes)
    own: dict[str, object] = {
        "cluster_name": "fastdata",
        "num_tokens": _TOKENS_PER_NODE,
        "initial_token": ",".join(str(token) for token in tokens(node.number, len(nodes))),
        "auto_bootstrap": False,
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "endpoint_snitch": "SimpleSnitch",
        "listen_address": node.host,
        "storage_port": node.ports.internal,
        "rpc_address": node.host,
        "native_transport_port": node.ports.client,
        "seed_provider": [
            {
                "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                "parameters": [{"seeds": seeds}],
            }
        ],
        "data_file_directories": [str(node.data / "data")],
        "commitlog_directory": str(commit_logs(node)),
        "saved_caches_directory": str(node.data / "saved_caches"),
        "hints_directory": str(node.data / "hints"),
        "cdc_raw_directory": str(node.data / "cdc_raw"),
        # A write that was answered survives kill -9: periodic sync would lose what came after its last mark.
        # Not compressed: Cassandra takes a short write to a full disk for a whole one, and acknowledges what it has lost.
        "commitlog_sync": "batch",
        # What a start after a kill may have to read again: 48,000 writes, 6 s of a busy machine, with 256 MiB.
        "commitlog_total_space": "96MiB",
        "commitlog_segment_size": "16MiB",
        # Two rounds instead of four for a conditional batch: the promise brings what a read would have asked for.
        "paxos_variant": "v2",
        # What merging tables may hold of an index, 1 GiB by default: 2.4 KB for each event id, so that 200,000 scores in one
        # merge end a server with a heap of 512 MiB.
        "sai_options": {"segment_write_buffer_size": "32MiB"},
        # Score batches hold up to 24 KiB of values; by default each of them would be a warning in the log.
        "batch_size_warn_threshold": "50KiB",
        "batch_size_fail_threshold": "64KiB",
        "unlogged_batch_across_partitions_warn_threshold": 200,
        "disk_failure_policy": "die",
        "commit_failure_policy": "die",
        "auto_snapshot": False,
        "concurrent_compactors": 1,
        "storage_compatibility_mode": "NONE",
        "memtable": {
            "configurations": {
                "skiplist": {"class_name": "SkipListMemtable"},
                "trie": {"class_name": "TrieMemtable"},
                "default": {"inherits": "trie"},
            }
        },
        "sstable": {"selected_format": "bti"},
    }
    return {**own, **settings.cassandra_extra}


def prepare(node: Node, nodes: Sequence[Node], settings: EmbeddedSettings, jars: Sequence[Path]) -> list[str]:
    """Write a node's files; give the Java arguments that start it."""
    conf = node.directory / "conf"
    conf.mkdir(exist_ok=True)
    # JSON is YAML.
    (conf / "cassandra.yaml").write_text(json.dumps(configuration(node, nodes, settings), indent=2))
    (conf / "logback.xml").write_text(
        _ROLLING.format(file=node.log, megabytes=settings.log_file_mb, files=settings.log_files)
    )
    flags = [
        *MODULE_FLAGS,
        *COMMON_FLAGS,
        f"-Xmx{settings.cassandra_heap_mb}m",
        f"-Dcassandra.storagedir={node.data}",
        f"-Dcassandra.config={(conf / 'cassandra.yaml').as_uri()}",
        f"-Dlogback.configurationFile={conf / 'logback.xml'}",
        *_START_FLAGS,
        "-cp",
        class_path(jars),
    ]
    return [write_arguments(node.directory / "java.args", flags), MAIN]
