"""A restart of all servers, one at a time: the next only once the one before has caught up with the others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from infra.embedded import processes
from infra.embedded.control import CassandraNodes, KafkaBrokers
from infra.embedded.layout import Kind, Node, servers_dir
from infra.embedded.settings import EmbeddedSettings
from infra.embedded.start import Answering, Report, Start, bring_up
from infra.embedded.state import ClusterState, Endpoints, locked, read_state
from infra.errors import GiveUpStartError, RefuseStateError

CaughtUp = Callable[[Endpoints], bool]

POLL_S: Final = 0.2


@dataclass(frozen=True)
class _Servers:
    """All servers of a kind."""

    kind: Kind
    nodes: Sequence[Node]
    answering: Answering
    caught_up: Callable[[], bool]


def restart(
    settings: EmbeddedSettings,
    *,
    kafka_brokers: KafkaBrokers,
    cassandra_nodes: CassandraNodes,
    caught_up: Mapping[Kind, CaughtUp],
    report: Report,
) -> None:
    """Restart the servers of a state directory, one after the other; a dead one is started first.

    Parameters
    ----------
    settings
        Names the state directory, and how long a start and a stop may take.
    kafka_brokers, cassandra_nodes
        As for `up`.
    caught_up
        Tells, by the kind of server, whether every node has all that it should hold; False when nobody answers.
    report
        Takes one line of progress at a time.

    Raises
    ------
    RefuseStateError
        No server runs here.
    GiveUpStartError
        A server did not come up, or did not catch up; those after it were not touched.
    """
    with locked(settings.state_dir, report):
        state = read_state(settings.state_dir)
        if state is None or not any(map(processes.running, state.all_nodes(settings.state_dir))):
            raise RefuseStateError(f"No server runs in {settings.state_dir}: `fastdata up` starts them.")
        start = Start(settings, report, state.cluster_id)
        kinds = list(_kinds(settings, state, kafka_brokers, cassandra_nodes, caught_up))
        for servers in kinds:
            _make_whole(start, servers)
        for servers in kinds:
            for node in servers.nodes:
                processes.stop(node, settings.stop_timeout_s)
                _make_whole(start, servers)


def _kinds(
    settings: EmbeddedSettings,
    state: ClusterState,
    kafka_brokers: KafkaBrokers,
    cassandra_nodes: CassandraNodes,
    caught_up: Mapping[Kind, CaughtUp],
) -> Iterator[_Servers]:
    found = state.endpoints(settings.state_dir)
    yield _Servers(
        "kafka",
        state.kafka_nodes(settings.state_dir),
        partial(kafka_brokers, found.kafka_bootstrap),
        partial(caught_up["kafka"], found),
    )
    yield _Servers(
        "cassandra",
        state.cassandra_nodes(settings.state_dir),
        partial(cassandra_nodes, found.cassandra_contact_points, found.cassandra_port),
        partial(caught_up["cassandra"], found),
    )


def _make_whole(start: Start, servers: _Servers) -> None:
    """Start what is missing of a kind, and wait until all of it has caught up."""
    bring_up(start, servers.nodes, servers.answering)
    deadline = time.monotonic() + start.settings.start_timeout_s
    while not servers.caught_up():
        if time.monotonic() > deadline:
            raise GiveUpStartError(
                f"{servers.kind} did not catch up within {start.settings.start_timeout_s:g} s, so no other server was "
                f"restarted. Logs: {servers_dir(start.settings.state_dir)}. Where much was missed, raise start_timeout_s."
            )
        time.sleep(POLL_S)
