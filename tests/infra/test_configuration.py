import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.embedded import EmbeddedSettings, cassandra, kafka
from infra.embedded.layout import Node, Ports, cluster

PORTS = Ports(19092, 19093)
JARS = [Path("/jars/a.jar"), Path("/jars/b.jar")]


def _node(tmp_path: Path, kind: str) -> Node:
    (node,) = cluster("kafka" if kind == "kafka" else "cassandra", 1, PORTS, tmp_path)
    node.directory.mkdir(parents=True)
    return node


@given(st.integers(1, 9))
def test_tokens_share_the_ring_evenly(count: int) -> None:
    ring = sorted(token for number in range(1, count + 1) for token in cassandra.tokens(number, count))
    assert len(set(ring)) == 16 * count
    assert ring[0] == -(2**63)
    assert ring[-1] < 2**63
    gaps = {after - before for before, after in itertools.pairwise(ring)}
    assert max(gaps) - min(gaps) <= 1


def test_three_brokers_replicate_three_times_and_insist_on_two() -> None:
    nodes = cluster("kafka", 3, PORTS, Path("/state"))
    lines = kafka.properties(nodes[1], nodes, {})
    assert lines["controller.quorum.voters"] == "1@127.0.0.1:19093,2@127.0.0.2:19093,3@127.0.0.3:19093"
    assert lines["listeners"] == "PLAINTEXT://127.0.0.2:19092,CONTROLLER://127.0.0.2:19093"
    assert {lines[key] for key in lines if key.endswith("replication.factor")} == {"3"}
    assert {lines[key] for key in lines if key.endswith(("min.isr", "insync.replicas"))} == {"2"}


def test_one_broker_replicates_nothing() -> None:
    nodes = cluster("kafka", 1, PORTS, Path("/state"))
    lines = kafka.properties(nodes[0], nodes, {"num.partitions": "7"})
    assert {lines[key] for key in lines if key.endswith(("replication.factor", "min.isr"))} == {"1"}
    assert lines["auto.create.topics.enable"] == "false"
    assert lines["num.partitions"] == "7"


def test_every_address_is_a_loopback_address() -> None:
    nodes = cluster("cassandra", 3, PORTS, Path("/state"))
    settings = EmbeddedSettings(nodes=3)
    for node in nodes:
        own = cassandra.configuration(node, nodes, settings)
        assert own["listen_address"] == own["rpc_address"] == node.host
        assert node.host.startswith("127.0.0.")


def test_broker_settings_reach_its_files(tmp_path: Path) -> None:
    node = _node(tmp_path, "kafka")
    settings = EmbeddedSettings(
        kafka_heap_mb=777, log_file_mb=3, log_files=5, kafka_extra={"message.max.bytes": "99"}
    )
    arguments = kafka.prepare(node, [node], settings, JARS)
    java = (node.directory / "java.args").read_text().splitlines()
    log4j = (node.directory / "log4j2.xml").read_text()
    assert arguments == [f"@{node.directory}/java.args", kafka.MAIN, f"{node.directory}/server.properties"]
    assert '"-Xmx777m"' in java
    assert '"/jars/a.jar:/jars/b.jar"' in java
    assert 'size="3 MB"' in log4j
    assert 'max="5"' in log4j
    assert "message.max.bytes=99\n" in (node.directory / "server.properties").read_text()


def test_cassandra_settings_reach_its_files(tmp_path: Path) -> None:
    node = _node(tmp_path, "cassandra")
    settings = EmbeddedSettings(
        cassandra_heap_mb=888, log_file_mb=3, log_files=5, cassandra_extra={"concurrent_reads": 9}
    )
    cassandra.prepare(node, [node], settings, JARS)
    java = (node.directory / "java.args").read_text()
    logback = (node.directory / "conf" / "logback.xml").read_text()
    written = json.loads((node.directory / "conf" / "cassandra.yaml").read_text())
    assert '"-Xmx888m"' in java
    assert "jmx" not in java.replace("com.sun.jmx.remote", "")
    assert "<maxFileSize>3MB</maxFileSize>" in logback
    assert "<maxIndex>5</maxIndex>" in logback
    assert written["concurrent_reads"] == 9
    assert written["commitlog_sync"] == "batch"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka_prot": 1},
        {"nodes": 2},
        {"kafka_port": 80},
        {"kafka_heap_mb": 1},
        {"kafka_extra": {"listeners": "PLAINTEXT://192.0.2.1:1"}},
        {"kafka_extra": {"controller.quorum.voters": "1@elsewhere:1"}},
        {"cassandra_extra": {"rpc_address": "192.0.2.1"}},
        {"cassandra_extra": {"commitlog_directory": "/"}},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EmbeddedSettings.model_validate(wrong)


def test_the_number_of_nodes_may_come_as_text() -> None:
    assert EmbeddedSettings.model_validate({"nodes": "3"}).nodes == 3
