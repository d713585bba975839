import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded import EmbeddedSettings, Endpoints, down, endpoints, status
from infra.embedded.layout import Ports
from infra.embedded.state import ClusterState, locked, new_cluster_id, read_state, servers_json, write_state
from infra.errors import RefuseStateError

STATE = ClusterState(3, "id", Ports(19092, 19093), Ports(19042, 17000))


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    assert read_state(tmp_path) == STATE
    assert endpoints(EmbeddedSettings(state_dir=tmp_path, nodes=3)) == Endpoints(
        kafka_bootstrap="127.0.0.1:19092,127.0.0.2:19092,127.0.0.3:19092",
        cassandra_contact_points=("127.0.0.1", "127.0.0.2", "127.0.0.3"),
        cassandra_port=19042,
        cassandra_dc="datacenter1",
        replication_factor=3,
    )


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', '{"format": 1, "cluster": 7}'])
def test_a_spoilt_state_file_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    servers_json(tmp_path).write_text(text)
    with pytest.raises(RefuseStateError, match="delete this directory"):
        read_state(tmp_path)


@given(st.binary(min_size=16, max_size=16))
def test_a_cluster_id_is_one_that_kafka_takes(random: bytes) -> None:
    cluster_id = new_cluster_id(lambda: random)
    assert len(cluster_id) == 22
    assert not cluster_id.startswith("-")


def test_one_start_waits_for_another(tmp_path: Path) -> None:
    waiting = threading.Event()
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path, lambda _: waiting.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path, lambda _: None):
        thread.start()
        assert waiting.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_where_nothing_was_started_nothing_is_up(tmp_path: Path) -> None:
    settings = EmbeddedSettings(state_dir=tmp_path)
    said: list[str] = []
    seen = status(settings, kafka_brokers=lambda _: 1, cassandra_nodes=lambda _points, _port: 1)
    down(settings, wipe=True, report=said.append)
    assert endpoints(settings) is None
    assert (seen.healthy, seen.nodes, seen.endpoints) == (False, (), None)
    assert said == [f"No servers are known in {tmp_path}."]
