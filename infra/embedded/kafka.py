"""How a Kafka broker with its controller is configured and started."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.embedded.java import COMMON_FLAGS, class_path, write_arguments
from infra.embedded.layout import Node
from infra.embedded.settings import EmbeddedSettings

MAIN = "kafka.Kafka"
FORMATTER = "kafka.tools.StorageTool"

_ROLLING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <RollingFile name="file" fileName="{file}" filePattern="{file}.%i">
      <PatternLayout pattern="%d %p %m (%c)%n"/>
      <SizeBasedTriggeringPolicy size="{megabytes} MB"/>
      <DefaultRolloverStrategy max="{files}"/>
    </RollingFile>
  </Appenders>
  <Loggers><Root level="INFO"><AppenderRef ref="file"/></Root></Loggers>
</Configuration>
"""


def bootstrap_servers(nodes: Sequence[Node]) -> str:
    """Give the brokers' addresses as clients want them."""
    return ",".join(f"{node.host}:{node.ports.client}" for node in nodes)


def properties(node: Node, nodes: Sequence[Node], extra: Mapping[str, str]) -> dict[str, str]:
    """Give the settings of one broker."""
    copies = str(len(nodes))
    in_sync = str(min(2, len(nodes)))
    # A killed broker is let in again only when its old session has ended.
    session_ms = 3_000 if len(nodes) == 1 else 6_000
    own = {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{n.number}@{n.host}:{n.ports.internal}" for n in nodes),
        "listeners": f"PLAINTEXT://{node.host}:{node.ports.client},CONTROLLER://{node.host}:{node.ports.internal}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(node.data),
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "broker.session.timeout.ms": str(session_ms),
        "broker.heartbeat.interval.ms": str(session_ms // 6),
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    }
    return {**own, **extra}


def prepare(node: Node, nodes: Sequence[Node], settings: EmbeddedSettings, jars: Sequence[Path]) -> list[str]:
    """Write a broker's files; give the Java arguments that start it."""
    config = node.directory / "server.properties"
    lines = properties(node, nodes, settings.kafka_extra)
    config.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
    log4j = node.directory / "log4j2.xml"
    log4j.write_text(_ROLLING.format(file=node.log, megabytes=settings.log_file_mb, files=settings.log_files))
    flags = [
        *COMMON_FLAGS,
        f"-Xmx{settings.kafka_heap_mb}m",
        f"-Dlog4j2.configurationFile={log4j}",
        "-cp",
        class_path(jars),
    ]
    return [write_arguments(node.directory / "java.args", flags), MAIN, str(config)]


def format_arguments(node: Node, cluster_id: str) -> list[str] | None:
    """Give the Java arguments that format a broker's storage, None when it is formatted."""
    if (node.data / "meta.properties").exists():
        return None
    config = str(node.directory / "server.properties")
    # The formatter only prints: C1 is enough and halves its time.
    arguments = f"@{node.directory / 'java.args'}"
    return ["-XX:TieredStopAtLevel=1", arguments, FORMATTER, "format", "-t", cluster_id, "-c", config]
