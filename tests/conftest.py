"""Servers for the tests: started once, when the first test asks for them, and stopped at the end."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import DCAwareRoundRobinPolicy
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from in_turn import SHARED_SPARK, InTurn
from missing import missing
from shared_spark import SharedSpark

from infra.embedded import EmbeddedSettings, Endpoints, up
from infra.errors import InfraError
from storage.migrate import migrate
from storage.migration_files import Migration, shipped
from storage.session import joined_count
from storage.settings import CassandraSettings

KAFKA_IMAGE = os.environ.get("FASTDATA_TEST_KAFKA_IMAGE", "confluentinc/cp-kafka:8.1.1")
CASSANDRA_IMAGE = os.environ.get("FASTDATA_TEST_CASSANDRA_IMAGE", "cassandra:5.0.5")

Asking = tuple[Callable[[str], int], Callable[[tuple[str, ...], int], int]]

_ANSWER_S = 10.0
# Cassandra writes twenty files to the disk after each change of the schema: three quarters of what a keyspace costs.
_QUICK_SCHEMA = "-Dcassandra.test.flush_local_schema_changes=false"
# Ends its wait when this process closes the pipe, or dies.
_WATCHER = """
import sys
from pathlib import Path
from infra.embedded import EmbeddedSettings, down
sys.stdin.read()
down(EmbeddedSettings(state_dir=Path(sys.argv[1])), wipe=True, report=lambda _: None)
"""


@dataclass(frozen=True)
class CassandraEndpoint:
    """Where the Cassandra under test answers."""

    contact_points: tuple[str, ...]
    port: int
    dc: str


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fastdata")
    group.addoption(
        "--servers",
        choices=("embedded", "containers"),
        default="embedded",
        help="real servers as processes of this machine, or stock testcontainers",
    )
    group.addoption("--kafka-at", metavar="HOST:PORT", help="use this running Kafka and start none")
    group.addoption("--cassandra-at", metavar="HOST:PORT", help="use this running Cassandra and start none")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InTurn:
    return InTurn(config, log)


@pytest.fixture(scope="session")
def shared_spark() -> Iterator[SharedSpark]:
    """Give the Spark session that the files of `SHARED_SPARK` share."""
    shared = SharedSpark()
    yield shared
    shared.end()


@pytest.fixture(scope="module", autouse=True)
def _one_spark_at_a_time(shared_spark: SharedSpark, request: pytest.FixtureRequest) -> None:
    if request.node.nodeid not in SHARED_SPARK:
        shared_spark.end()


def broker_count(bootstrap: str) -> int:
    """Ask a Kafka cluster how many brokers it has, 0 when it does not answer."""
    try:
        return len(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=_ANSWER_S).brokers)
    except KafkaException:
        return 0


def cassandra_cluster(contact_points: tuple[str, ...], port: int) -> Cluster:
    """Build a driver for tests, with time enough for a busy machine."""
    profile = ExecutionProfile(
        load_balancing_policy=DCAwareRoundRobinPolicy("datacenter1"), request_timeout=60.0
    )
    return Cluster(
        contact_points,
        port=port,
        protocol_version=5,
        connect_timeout=_ANSWER_S,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    )


def node_count(contact_points: tuple[str, ...], port: int) -> int:
    """Ask each Cassandra node how many it knows to be up; the least that any of them says."""
    return min(_nodes_seen_by(address, port) for address in contact_points)


def _nodes_seen_by(address: str, port: int) -> int:
    cluster = cassandra_cluster((address,), port)
    try:
        cluster.connect()
        return sum(host.is_up is not False for host in cluster.metadata.all_hosts())
    except Exception:  # noqa: BLE001 - the driver raises many kinds; each means "not yet"
        return 0
    finally:
        cluster.shutdown()


@pytest.fixture(scope="session")
def cassandra_driver() -> Callable[[tuple[str, ...], int], Cluster]:
    """Give the way to a plain driver, for tests that look after their own server."""
    return cassandra_cluster


@pytest.fixture(scope="session")
def asking() -> Asking:
    """Give the two questions that `up` and `status` ask: how many brokers, how many nodes."""
    return broker_count, node_count


@pytest.fixture(scope="session")
def start_embedded() -> Callable[[EmbeddedSettings], Endpoints]:
    """Give `up` with its questions answered by the real client libraries."""

    def start(settings: EmbeddedSettings) -> Endpoints:
        return up(settings, kafka_brokers=broker_count, cassandra_nodes=joined_count, report=lambda _: None)

    return start


@contextmanager
def stopped_at_the_end(settings: EmbeddedSettings) -> Iterator[EmbeddedSettings]:
    """Have the servers of a state directory stopped and wiped, even when the test process is killed."""
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCHER, str(settings.state_dir)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield settings
    finally:
        watcher.communicate()
    assert watcher.returncode == 0


@pytest.fixture(scope="session")
def guarded() -> Callable[[EmbeddedSettings], AbstractContextManager[EmbeddedSettings]]:
    """Give the guard to tests that look after their own servers."""
    return stopped_at_the_end


@pytest.fixture(scope="session")
def embedded_endpoints(
    tmp_path_factory: pytest.TempPathFactory, start_embedded: Callable[[EmbeddedSettings], Endpoints]
) -> Iterator[Endpoints]:
    """Start one node of each server in a directory of its own; delete it at the end."""
    # Off the ports that the user's own servers want, and those of the other test processes.
    aside = 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = EmbeddedSettings(
        state_dir=tmp_path_factory.mktemp("servers"),
        kafka_port=19392 + aside,
        kafka_controller_port=19393 + aside,
        cassandra_port=19342 + aside,
        cassandra_storage_port=17300 + aside,
        # Cassandra 5.0 ends itself when it clears a full commit log of a table that is just being dropped, as tests do.
        cassandra_extra={"commitlog_total_space": "1GiB"},
    )
    with stopped_at_the_end(own) as settings:
        try:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("JDK_JAVA_OPTIONS", _QUICK_SCHEMA)
                started = start_embedded(settings)
        except InfraError as error:
            missing(f"embedded servers: {error}")
        _await_groups(started.kafka_bootstrap)
        yield started


def _await_groups(bootstrap: str) -> None:
    """Have Kafka make its topic of group offsets, which it does when the first group asks."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "first"})
    try:
        while not _groups_answer(consumer):
            time.sleep(0.1)  # pytest's own time limit ends this
    finally:
        consumer.close()


def _groups_answer(consumer: Consumer) -> bool:
    try:
        consumer.committed([TopicPartition("none", 0)], timeout=_ANSWER_S)
    except KafkaException:
        return False
    return True


@pytest.fixture(scope="session")
def kafka_container() -> Iterator[str]:
    """Start the stock Kafka container; give its bootstrap address."""
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 - needs Docker only with --servers containers

    container = KafkaContainer(KAFKA_IMAGE).with_kraft().with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    try:
        container.start()
    except Exception as error:  # noqa: BLE001 - no engine, no image, no start: each is a missing service
        missing(f"Kafka container {KAFKA_IMAGE}: {error}")
    _await_groups(container.get_bootstrap_server())
    yield container.get_bootstrap_server()
    container.stop()


@pytest.fixture(scope="session")
def cassandra_container() -> Iterator[CassandraEndpoint]:
    """Start the stock Cassandra container."""
    from testcontainers.community.cassandra import CassandraContainer  # noqa: PLC0415 - see kafka_container

    container = CassandraContainer(CASSANDRA_IMAGE).with_env("JDK_JAVA_OPTIONS", _QUICK_SCHEMA)
    try:
        container.start()
    except Exception as error:  # noqa: BLE001 - see kafka_container
        missing(f"Cassandra container {CASSANDRA_IMAGE}: {error}")
    ((host, port),) = container.get_contact_points()
    # The driver wants addresses, and "localhost" may be two of them.
    yield CassandraEndpoint((host.replace("localhost", "127.0.0.1"),), port, container.get_local_datacenter())
    container.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> str:
    """Give the bootstrap address of a real Kafka."""
    if given := request.config.getoption("--kafka-at"):
        return str(given)
    if request.config.getoption("--servers") == "containers":
        return str(request.getfixturevalue("kafka_container"))
    endpoints: Endpoints = request.getfixturevalue("embedded_endpoints")
    return endpoints.kafka_bootstrap


@pytest.fixture(scope="session")
def cassandra_endpoint(request: pytest.FixtureRequest) -> CassandraEndpoint:
    """Give the address of a real Cassandra."""
    if given := request.config.getoption("--cassandra-at"):
        host, _, port = str(given).partition(":")
        return CassandraEndpoint((host,), int(port), "datacenter1")
    if request.config.getoption("--servers") == "containers":
        container: CassandraEndpoint = request.getfixturevalue("cassandra_container")
        return container
    endpoints: Endpoints = request.getfixturevalue("embedded_endpoints")
    return CassandraEndpoint(
        endpoints.cassandra_contact_points, endpoints.cassandra_port, endpoints.cassandra_dc
    )


@pytest.fixture(scope="session")
def cassandra_session(cassandra_endpoint: CassandraEndpoint) -> Iterator[Session]:
    """Open one session of the plain driver for arranging and looking behind the code under test."""
    cluster = cassandra_cluster(cassandra_endpoint.contact_points, cassandra_endpoint.port)
    yield cluster.connect()
    cluster.shutdown()


@pytest.fixture
def topic_prefix(kafka_bootstrap: str) -> Iterator[str]:
    """Give a prefix that no other test uses; its topics are deleted afterwards."""
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    yield prefix
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    ours = [topic for topic in admin.list_topics(timeout=_ANSWER_S).topics if topic.startswith(prefix)]
    if ours:
        for deleted in admin.delete_topics(ours).values():
            deleted.result(_ANSWER_S)


@pytest.fixture
def keyspace(cassandra_session: Session) -> Iterator[str]:
    """Give the name of a keyspace that no other test uses; it is dropped afterwards."""
    name = f"k{uuid.uuid4().hex[:10]}"
    yield name
    cassandra_session.execute(f"DROP KEYSPACE IF EXISTS {name}")


@pytest.fixture(scope="session")
def settings_of(cassandra_endpoint: CassandraEndpoint) -> Callable[[str], CassandraSettings]:
    """Give a function from a keyspace to the settings of storage, with patience for a busy machine."""
    return lambda keyspace: CassandraSettings(
        contact_points=cassandra_endpoint.contact_points,
        port=cassandra_endpoint.port,
        local_dc=cassandra_endpoint.dc,
        keyspace=keyspace,
        request_timeout_s=30,
        connect_give_up_s=30,
    )


@pytest.fixture(scope="session")
def shared_keyspace(
    settings_of: Callable[[str], CassandraSettings], cassandra_session: Session
) -> Iterator[str]:
    """Give a keyspace with all migrations, which take seconds; tests take it in turn, as `emptied_keyspace`."""
    yield from _migrated(settings_of, cassandra_session, shipped())


@pytest.fixture
def emptied_keyspace(shared_keyspace: str, cassandra_session: Session) -> Iterator[str]:
    """Give a migrated keyspace with nothing in its tables."""
    yield shared_keyspace
    _empty(cassandra_session, shared_keyspace)


@pytest.fixture(scope="session")
def shared_expanded_keyspace(
    settings_of: Callable[[str], CassandraSettings], cassandra_session: Session
) -> Iterator[str]:
    """Give a keyspace with all migrations but those that contract, as one of before has; see `expanded_keyspace`."""
    yield from _migrated(settings_of, cassandra_session, [m for m in shipped() if not m.contracts])


@pytest.fixture
def expanded_keyspace(shared_expanded_keyspace: str, cassandra_session: Session) -> Iterator[str]:
    """Give such a keyspace with nothing in its tables."""
    yield shared_expanded_keyspace
    _empty(cassandra_session, shared_expanded_keyspace)


def _migrated(
    settings_of: Callable[[str], CassandraSettings], session: Session, migrations: Sequence[Migration]
) -> Iterator[str]:
    name = f"k{uuid.uuid4().hex[:10]}"
    migrate(settings_of(name), migrations=migrations)
    yield name
    session.execute(f"DROP KEYSPACE {name}")


def _empty(session: Session, keyspace: str) -> None:
    listed = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    for (table,) in session.execute(listed, (keyspace,)):
        read = f"SELECT * FROM {keyspace}.{table} LIMIT 1"  # noqa: S608 - names of our own tables
        if table != "schema_migrations" and session.execute(read):
            session.execute(f"TRUNCATE {keyspace}.{table}")
