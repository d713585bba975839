"""Texts as Kafka 4.3.1, Cassandra 5.0.5 and Java 17 wrote them."""

import pytest

from infra.embedded.reasons import find
from infra.errors import GiveUpStartError, PortTakenError

KAFKA_PORT = """\
2026-01-01 10:00:00,000 INFO [SocketServer listenerType=CONTROLLER, nodeId=1] Created (kafka.network.SocketServer)
2026-01-01 10:00:00,001 ERROR [ControllerServer id=1] Fatal error during controller startup. (kafka.server.ControllerServer)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:19093: Address already in use.
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:727)
Caused by: java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
"""
KAFKA_VALUE = """\
Exception in thread "main" org.apache.kafka.common.config.ConfigException: Invalid value -1 for configuration log.segment.bytes: Value must be at least 1048576
\tat org.apache.kafka.common.config.ConfigDef$Range.ensureValid(ConfigDef.java:969)
"""
CASSANDRA_KEY = """\
2026-01-01 10:00:00,000 ERROR Exception encountered during startup: Invalid yaml. Please remove properties [nonsense] from your cassandra.yaml (o.a.c.service.CassandraDaemon)
Invalid yaml. Please remove properties [nonsense] from your cassandra.yaml
"""
CASSANDRA_PORT = """\
2026-01-01 10:00:00,000 ERROR Fatal configuration error (o.a.c.service.CassandraDaemon)
org.apache.cassandra.exceptions.ConfigurationException: /127.0.0.1:17000 is in use by another process.  Change listen_address:storage_port in cassandra.yaml to values that do not conflict with other services
"""
HEAP = """\
Error occurred during initialization of VM
Could not reserve enough space for 102400000000KB object heap
"""
MEMORY = """\
Terminating due to java.lang.OutOfMemoryError: Java heap space
"""


@pytest.mark.parametrize(
    ("text", "reason", "error"),
    [
        (KAFKA_PORT, "its port is taken by another process (127.0.0.1:19093)", PortTakenError),
        (CASSANDRA_PORT, "its port is taken by another process (127.0.0.1:17000)", PortTakenError),
        (
            KAFKA_VALUE,
            "Invalid value -1 for configuration log.segment.bytes: Value must be at least 1048576",
            GiveUpStartError,
        ),
        (
            CASSANDRA_KEY,
            "Invalid yaml. Please remove properties [nonsense] from your cassandra.yaml",
            GiveUpStartError,
        ),
        (
            HEAP,
            f"Java did not start: {HEAP.strip().replace(chr(10), ': ')}",
            GiveUpStartError,
        ),
        (MEMORY, "it ran out of memory (Java heap space): give it a larger heap", GiveUpStartError),
        ("", "it ended without a word", GiveUpStartError),
    ],
    ids=["kafka-port", "cassandra-port", "kafka-value", "cassandra-key", "heap", "memory", "silence"],
)
def test_the_reason_is_one_sentence(text: str, reason: str, error: type[Exception]) -> None:
    found = find(text)
    assert found.text == reason
    assert found.error is error
