"""The embedded servers themselves: real Kafka and Cassandra in a directory of their own."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import pytest
from cassandra import ConsistencyLevel, OperationTimedOut, RequestExecutionException
from cassandra.cluster import Cluster, NoHostAvailable, Session
from cassandra.query import SimpleStatement
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from infra import embedded
from infra.embedded import (
    EmbeddedSettings,
    Endpoints,
    Status,
    control,
    down,
    endpoints,
    processes,
    restart,
    status,
    up,
)
from infra.embedded.layout import Kind, Node
from infra.embedded.state import read_state, servers_json
from infra.errors import GiveUpStartError, RefuseStateError
from ingest.admin import all_in_sync
from storage.session import see_each_other

StartServers = Callable[[EmbeddedSettings], Endpoints]
MakeDriver = Callable[[tuple[str, ...], int], Cluster]
Asking = tuple[Callable[[str], int], Callable[[tuple[str, ...], int], int]]
Guarded = Callable[[EmbeddedSettings], AbstractContextManager[EmbeddedSettings]]
KEYSPACE = (
    "CREATE KEYSPACE IF NOT EXISTS kept WITH replication = "
    "{'class': 'NetworkTopologyStrategy', 'datacenter1': %d}"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, guarded: Guarded) -> Iterator[EmbeddedSettings]:
    """Give a cluster that this module's tests start, kill and stop as they like."""
    # The heaps are the smallest that are allowed: they have to do.
    with guarded(
        EmbeddedSettings(state_dir=tmp_path_factory.mktemp("own"), kafka_heap_mb=128, cassandra_heap_mb=256)
    ) as settings:
        yield settings


def _nodes(settings: EmbeddedSettings) -> tuple[Node, ...]:
    state = read_state(settings.state_dir)
    assert state is not None
    return state.all_nodes(settings.state_dir)


def _pids(settings: EmbeddedSettings) -> dict[str, int]:
    return {name: pid for name, pid in embedded.pids(settings).items() if pid is not None}


def _session(found: Endpoints, make: MakeDriver) -> Session:
    return make(found.cassandra_contact_points, found.cassandra_port).connect()


def _produce(bootstrap: str, topic: str, value: bytes, copies: int) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    if topic not in admin.list_topics(timeout=20).topics:
        admin.create_topics([NewTopic(topic, 1, copies)])[topic].result(20)
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(60) == 0


def _values(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    messages = consumer.consume(count, 60)
    consumer.close()
    return [message.value() for message in messages]


def _caught_up(kind: Kind, found: Endpoints) -> bool:
    if kind == "kafka":
        return all_in_sync(found.kafka_bootstrap)
    return see_each_other(found.cassandra_contact_points, found.cassandra_port)


def _restart(
    settings: EmbeddedSettings, ask: Asking, caught_up: Callable[[Kind, Endpoints], bool]
) -> list[str]:
    said: list[str] = []
    restart(
        settings,
        kafka_brokers=ask[0],
        cassandra_nodes=ask[1],
        caught_up={kind: partial(caught_up, kind) for kind in ("kafka", "cassandra")},
        report=said.append,
    )
    return said


def _write_on(found: Endpoints, session: Session, over: threading.Event) -> int:
    """Write to both until told to stop; return how many writes were acknowledged, none of which may be given up.

    With pauses: as fast as it can it would take the processor from the servers that start.
    """
    producer = Producer({"bootstrap.servers": found.kafka_bootstrap, "enable.idempotence": True})
    insert = SimpleStatement(
        "INSERT INTO kept.t (k, v) VALUES (%s, 'rolling')", consistency_level=ConsistencyLevel.QUORUM
    )
    count = 0
    while not over.wait(0.05):
        count += 1
        producer.produce("kept", b"%d" % count)
        assert producer.flush(60) == 0
        _insist(lambda count=count: session.execute(insert, (1_000 + count,)))  # type: ignore[misc]
    return count


def _insist(write: Callable[[], object]) -> None:
    """Try once more where the node that was asked has just stopped."""
    for _ in range(20):
        try:
            write()
        except (NoHostAvailable, OperationTimedOut, RequestExecutionException):
            time.sleep(0.2)
        else:
            return
    raise AssertionError("no quorum of three while one restarts")


def _status(settings: EmbeddedSettings, ask: Asking) -> Status:
    return status(settings, kafka_brokers=ask[0], cassandra_nodes=ask[1])


def test_up_is_idempotent(settings: EmbeddedSettings, start_embedded: StartServers) -> None:
    first = start_embedded(settings)
    pids = _pids(settings)
    assert start_embedded(settings) == first == endpoints(settings)
    assert _pids(settings) == pids
    assert sorted(pids) == ["cassandra-1", "kafka-1"]


def test_status_counts_what_answers(
    settings: EmbeddedSettings, start_embedded: StartServers, asking: Asking
) -> None:
    start_embedded(settings)
    seen = _status(settings, asking)
    assert seen.healthy
    assert (seen.kafka_answering, seen.cassandra_answering) == (1, 1)
    assert [node.health for node in seen.nodes] == ["answers", "answers"]
    assert all(node.memory_bytes > 0 < node.disk_bytes for node in seen.nodes)
    assert json.loads(json.dumps(seen.as_dict()))["nodes"][0]["version"] == "4.3.1"


def test_killed_servers_come_back_on_their_ports_with_their_data(
    settings: EmbeddedSettings, start_embedded: StartServers, cassandra_driver: MakeDriver, asking: Asking
) -> None:
    found = start_embedded(settings)
    session = _session(found, cassandra_driver)
    session.execute(KEYSPACE % 1)
    session.execute("CREATE TABLE IF NOT EXISTS kept.t (k int PRIMARY KEY, v text)")
    _produce(found.kafka_bootstrap, "kept", b"before", 1)
    session.execute("INSERT INTO kept.t (k, v) VALUES (1, 'before')")
    pids = _pids(settings)

    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    session.cluster.shutdown()
    assert start_embedded(settings) == found

    session = _session(found, cassandra_driver)
    assert session.execute("SELECT v FROM kept.t WHERE k = 1").one().v == "before"
    session.cluster.shutdown()
    assert _values(found.kafka_bootstrap, "kept", 1) == [b"before"]
    assert set(_pids(settings).values()).isdisjoint(pids.values())
    assert _status(settings, asking).healthy


def test_a_stale_process_id_is_told_and_its_owner_left_alone(
    settings: EmbeddedSettings, start_embedded: StartServers, asking: Asking
) -> None:
    start_embedded(settings)
    down(settings, report=lambda _: None)
    kafka = _nodes(settings)[0]
    kafka.process_record.write_text(json.dumps({"pid": os.getpid(), "started": 0}))
    said: list[str] = []
    control.up(settings, kafka_brokers=asking[0], cassandra_nodes=asking[1], report=said.append)
    assert "kafka-1 is recorded as running, but its process is gone: starting it again." in said
    assert _pids(settings)["kafka-1"] != os.getpid()


def test_a_cluster_keeps_its_number_of_nodes(
    settings: EmbeddedSettings, start_embedded: StartServers
) -> None:
    start_embedded(settings)
    with pytest.raises(RefuseStateError, match="nodes=1, asked for was nodes=3"):
        start_embedded(settings.model_copy(update={"nodes": 3}))


def test_taken_ports_are_passed_over_and_written_down(
    settings: EmbeddedSettings, start_embedded: StartServers, guarded: Guarded, tmp_path: Path
) -> None:
    taken = start_embedded(settings)
    with guarded(settings.model_copy(update={"state_dir": tmp_path})) as beside:
        found = start_embedded(beside)
        assert found.kafka_bootstrap != taken.kafka_bootstrap
        assert found.cassandra_port != taken.cassandra_port
        assert endpoints(beside) == found
        assert (
            json.loads(servers_json(tmp_path).read_text())["endpoints"]["cassandra_port"]
            == found.cassandra_port
        )


def test_ports_that_others_take_during_the_start_are_left_to_them(guarded: Guarded, tmp_path: Path) -> None:
    with (
        guarded(EmbeddedSettings(state_dir=tmp_path, kafka_heap_mb=128, cassandra_heap_mb=256)) as settings,
        ThreadPoolExecutor(1) as pool,
        closing(socket.socket()) as one,
        closing(socket.socket()) as other,
    ):
        taken = pool.submit(_take_chosen_ports, settings.state_dir, {"kafka": one, "cassandra": other})
        # The others answer as servers of another cluster would.
        up(settings, kafka_brokers=lambda _: 1, cassandra_nodes=lambda *_: 1, report=lambda _: None)
        assert {node.ports.client for node in _nodes(settings)}.isdisjoint(taken.result())
        assert all(map(processes.answers, _nodes(settings)))


def _take_chosen_ports(state_dir: Path, others: Mapping[Kind, socket.socket]) -> set[int]:
    """Listen on the ports that were chosen for the servers, which take seconds until they would themselves."""
    while (state := read_state(state_dir)) is None:
        time.sleep(0.01)  # pytest's own time limit ends this
    chosen: dict[Kind, int] = {kind: getattr(state, kind).client for kind in others}
    for kind, other in others.items():
        other.bind(("127.0.0.1", chosen[kind]))
        other.listen()
    return set(chosen.values())


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (
            {"kafka_extra": {"log.segment.bytes": "-1"}},
            "kafka-1 did not start: Invalid value -1 for configuration log.segment.bytes",
        ),
        (
            {"cassandra_extra": {"nonsense": 1}},
            "cassandra-1 did not start: Invalid yaml. Please remove properties [nonsense]",
        ),
        ({"kafka_heap_mb": 99_999_999}, "kafka-1 did not start: Java did not start: Error occurred"),
        ({"start_timeout_s": 0.1}, "did not answer within 0.1 s"),
    ],
    ids=["kafka-setting", "cassandra-setting", "heap", "timeout"],
)
def test_a_failed_start_says_why_and_leaves_nothing_running(
    start_embedded: StartServers, tmp_path: Path, wrong: dict[str, object], reason: str
) -> None:
    settings = EmbeddedSettings.model_validate({"state_dir": tmp_path, **wrong})
    with pytest.raises(GiveUpStartError) as caught:
        start_embedded(settings)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert _pids(settings) == {}


def test_down_stops_and_wipe_says_what_it_deletes(
    settings: EmbeddedSettings, start_embedded: StartServers, asking: Asking
) -> None:
    start_embedded(settings)
    beside = settings.state_dir / "not-ours"
    beside.write_text("kept")
    said: list[str] = []
    down(settings, report=said.append)
    assert said == ["Stopped kafka-1, cassandra-1."]
    assert [node.health for node in _status(settings, asking).nodes] == ["stopped", "stopped"]

    said.clear()
    down(settings, wipe=True, report=said.append)
    assert said[0] == "No server was running."
    assert said[1].startswith(f"Deleting {settings.state_dir}/servers (")
    assert endpoints(settings) is None
    assert not (settings.state_dir / "servers").exists()
    assert beside.read_text() == "kept"


def test_a_restart_waits_for_each_server_and_needs_one(
    settings: EmbeddedSettings, start_embedded: StartServers, asking: Asking, tmp_path: Path
) -> None:
    start_embedded(settings)
    before, asked = _pids(settings), []

    def caught_up(kind: Kind, found: Endpoints) -> bool:
        asked.append((kind, _pids(settings)[f"{kind}-1"] == before[f"{kind}-1"], _caught_up(kind, found)))
        return asked[-1][-1]

    assert _restart(settings, asking, caught_up) == ["kafka-1: up.", "cassandra-1: up."]
    assert [each[:2] for each in asked if each[2]] == [
        ("kafka", True), ("cassandra", True), ("kafka", False), ("cassandra", False),
    ]  # fmt: skip
    assert not set(before.values()) & set(_pids(settings).values())
    assert _status(settings, asking).healthy

    hasty = settings.model_copy(update={"start_timeout_s": 0.0})
    with pytest.raises(GiveUpStartError, match="kafka did not catch up within 0 s, so no other server"):
        _restart(hasty, asking, lambda *_: False)
    with pytest.raises(RefuseStateError, match="`fastdata up` starts them"):
        _restart(EmbeddedSettings(state_dir=tmp_path), asking, _caught_up)


@pytest.mark.slow
def test_three_nodes_replicate_outlive_one_and_are_restarted_under_load(
    start_embedded: StartServers,
    guarded: Guarded,
    tmp_path: Path,
    cassandra_driver: MakeDriver,
    asking: Asking,
) -> None:
    small = {"kafka_heap_mb": 192, "cassandra_heap_mb": 384}
    with guarded(EmbeddedSettings(state_dir=tmp_path, nodes=3, **small)) as settings:
        found = start_embedded(settings)
        seen = _status(settings, asking)
        assert (seen.healthy, seen.kafka_answering, seen.cassandra_answering) == (True, 3, 3)
        assert found.replication_factor == 3
        pids = _pids(settings)
        session = _session(found, cassandra_driver)
        session.execute(KEYSPACE % 3)
        session.execute("CREATE TABLE kept.t (k int PRIMARY KEY, v text)")
        _produce(found.kafka_bootstrap, "kept", b"by three", 3)

        os.kill(pids["kafka-2"], signal.SIGKILL)
        os.kill(pids["cassandra-3"], signal.SIGKILL)
        _produce(found.kafka_bootstrap, "kept", b"by two", 3)
        session.execute("INSERT INTO kept.t (k, v) VALUES (1, 'by two')")
        session.cluster.shutdown()

        assert start_embedded(settings) == found
        assert _values(found.kafka_bootstrap, "kept", 2) == [b"by three", b"by two"]
        assert _pids(settings).keys() == pids.keys()
        assert _pids(settings)["kafka-1"] == pids["kafka-1"]
        assert _status(settings, asking).healthy

        before, over = _pids(settings), threading.Event()
        session = _session(found, cassandra_driver)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(_write_on, found, session, over)
            try:
                _restart(settings, asking, _caught_up)
            finally:
                over.set()
        count = writing.result()
        read = SimpleStatement("SELECT k FROM kept.t", consistency_level=ConsistencyLevel.QUORUM)
        rows = session.execute(read).all()
        session.cluster.shutdown()
        assert before.keys() == _pids(settings).keys()
        assert not set(before.values()) & set(_pids(settings).values())
        assert sorted(row.k for row in rows) == [1, *range(1_001, 1_001 + count)]
        written = _values(found.kafka_bootstrap, "kept", count)
        assert written == [b"%d" % number for number in range(1, count + 1)]
