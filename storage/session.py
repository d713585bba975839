"""Connections to Cassandra: one session a process, and the count of nodes that answer."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import structlog
from cassandra import ConsistencyLevel, UnresolvableContactPoints
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.io.libevreactor import LibevConnection
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    TokenAwarePolicy,
    WhiteListRoundRobinPolicy,
)
from cassandra.query import SimpleStatement
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from storage.errors import RetryLaterError, StopProcessError
from storage.failures import mapped
from storage.rows import named_rows
from storage.settings import CassandraSettings

PROTOCOL: Final = 5
"""Version of the native protocol: it tells an uncertain conditional write from a failed one."""

_COPIES_OF_SYSTEM: Final = 3
"""Replicas of Cassandra's own distributed tables: of three nodes each holds all of them."""

_LOCAL: Final = SimpleStatement("SELECT release_version FROM system.local")
_FROM_ALL: Final = SimpleStatement(
    "SELECT status FROM system_distributed.view_build_status WHERE keyspace_name = 'none' AND view_name = 'none'",
    consistency_level=ConsistencyLevel.ALL,
)

_log = structlog.get_logger(__name__)


@contextmanager
def connect(settings: CassandraSettings, *, use_keyspace: bool = True) -> Iterator[Session]:
    """Open the session of this process and close it at the end.

    A session outlives its nodes: calls fail while none is there and work again seconds after one came back.

    Parameters
    ----------
    use_keyspace
        False for work that comes before the keyspace exists.

    Raises
    ------
    RetryLaterError
        No node answered within `connect_give_up_s`.
    StopProcessError
        The credentials or the keyspace are wrong.
    """
    cluster, session = _patiently(settings)
    try:
        if use_keyspace:
            _use(session, settings.keyspace)
        yield session
    finally:
        cluster.shutdown()


def node_count(contact_points: tuple[str, ...], port: int, timeout_s: float = 2) -> int:
    """Return how many of the nodes at these addresses answer a query; 0 when none does."""
    return sum(_answers(address, port, timeout_s, _LOCAL) for address in contact_points)


def see_each_other(contact_points: tuple[str, ...], port: int, timeout_s: float = 2) -> bool:
    """Return whether each of the nodes at these addresses answers and knows all others to be up."""
    query = _FROM_ALL if len(contact_points) >= _COPIES_OF_SYSTEM else _LOCAL
    return all(_answers(address, port, timeout_s, query) for address in contact_points)


def joined_count(contact_points: tuple[str, ...], port: int, timeout_s: float = 2) -> int:
    """Return how many nodes these are, once each answers and knows all others to be up; 0 before.

    Of nodes that do not know each other yet, one makes a table in a keyspace that another has not heard of.
    """
    return len(contact_points) if see_each_other(contact_points, port, timeout_s) else 0


def _patiently(settings: CassandraSettings) -> tuple[Cluster, Session]:
    attempts = Retrying(
        retry=retry_if_exception_type(RetryLaterError),
        stop=stop_after_delay(settings.connect_give_up_s),
        wait=wait_exponential(multiplier=0.2, max=5),
        before_sleep=_note,
        reraise=True,
    )
    result: tuple[Cluster, Session] = attempts(_open, settings)
    return result


def _note(attempt: RetryCallState) -> None:
    if attempt.outcome is not None:
        _log.warning(
            "no Cassandra yet", attempt=attempt.attempt_number, reason=str(attempt.outcome.exception())
        )


def _open(settings: CassandraSettings) -> tuple[Cluster, Session]:
    where = f"connecting to {', '.join(settings.contact_points)}, port {settings.port}"
    cluster: Any = None
    try:
        with mapped(f"{where} (is it started, and is the datacenter named {settings.local_dc!r}?)"):
            cluster = _cluster(settings)
            return cluster, cluster.connect()
    except Exception:
        if cluster is not None:
            cluster.shutdown()
        raise


def _cluster(settings: CassandraSettings) -> Cluster:
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(settings.local_dc)),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=settings.request_timeout_s,
        row_factory=named_rows,
    )
    try:
        return Cluster(
            list(settings.contact_points),
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            auth_provider=_credentials(settings),
            reconnection_policy=ExponentialReconnectionPolicy(0.25, 1.0, max_attempts=None),
            **_common(settings.port, settings.connect_timeout_s),
        )
    except UnresolvableContactPoints as error:
        raise RetryLaterError(f"no address known for {', '.join(settings.contact_points)}") from error


def _common(port: int, timeout_s: float) -> dict[str, Any]:
    return {
        "port": port,
        "protocol_version": PROTOCOL,
        "connection_class": LibevConnection,  # four times the rows per second of the asyncio one
        "connect_timeout": timeout_s,
        "control_connection_timeout": timeout_s,
        "monitor_reporting_enabled": False,
        "application_name": "fastdata",
    }


def _credentials(settings: CassandraSettings) -> PlainTextAuthProvider | None:
    if settings.username is None or settings.password is None:
        return None
    return PlainTextAuthProvider(settings.username, settings.password.get_secret_value())


def _use(session: Session, keyspace: str) -> None:
    if keyspace not in session.cluster.metadata.keyspaces:
        raise StopProcessError(f"the keyspace {keyspace!r} does not exist: run the migrations first")
    with mapped(f"using keyspace {keyspace!r}"):
        session.set_keyspace(keyspace)


def _answers(address: str, port: int, timeout_s: float, query: SimpleStatement) -> bool:
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([address]), request_timeout=timeout_s
    )
    cluster = Cluster(
        [address], execution_profiles={EXEC_PROFILE_DEFAULT: profile}, **_common(port, timeout_s)
    )
    try:
        with suppress(NoHostAvailable, RetryLaterError), mapped(f"asking {address}"):
            cluster.connect().execute(query)
            return True
    finally:
        cluster.shutdown()
    return False
