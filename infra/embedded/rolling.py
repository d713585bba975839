"""A restart of all servers, one at a time: the next only once the one before has caught up with the others."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from infra.embedded import processes
from infra.embedded.control import CassandraNodes, KafkaBrokers
from infra.embedded.layout import Kind, Node
from infra.embedded.settings import EmbeddedSettings
from infra.embedded.start import Answering, Report, Start, bring_up
from infra.embedded.state import Endpoints, locked, read_state
from infra.errors import GiveUpStartError, RefuseStateError

CaughtUp = Callable[[Endpoints], bool]

POLL_S: Final = 0.2


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
        kafka, cassandra = (
            ((), ())
            if state is None
            else (state.kafka_nodes(settings.state_dir), state.cassandra_nodes(settings.state_dir))
        )
        if state is None or not any(map(processes.running, (*kafka, *cassandra))):
            raise RefuseStateError(f"No server runs in {settings.state_dir}: `fastdata up` starts them.")
        found = state.endpoints(settings.state_dir)
        contact = (found.cassandra_contact_points, found.cassandra_port)
        start = Start(settings, report, state.cluster_id)
        kinds: Sequence[tuple[Kind, Sequence[Node], Answering]] = (
            ("kafka", kafka, lambda: kafka_brokers(found.kafka_bootstrap)),
            ("cassandra", cassandra, lambda: cassandra_nodes(*contact)),
        )
        for kind, nodes, answering in kinds:
            _whole(start, kind, nodes, answering, lambda kind=kind: caught_up[kind](found))  # type: ignore[misc]
        for kind, nodes, answering in kinds:
            for node in nodes:
                processes.stop(node, settings.stop_timeout_s)
                _whole(start, kind, nodes, answering, lambda kind=kind: caught_up[kind](found))  # type: ignore[misc]


def _whole(
    start: Start, kind: Kind, nodes: Sequence[Node], answering: Answering, caught_up: Callable[[], bool]
) -> None:
    """Start what is missing of a kind, and wait until all of it has caught up."""
    bring_up(start, nodes, answering)
    deadline = time.monotonic() + start.settings.start_timeout_s
    while not caught_up():
        if time.monotonic() > deadline:
            raise GiveUpStartError(
                f"{kind} did not catch up within {start.settings.start_timeout_s:g} s, so no other server was "
                f"restarted. Logs: {nodes[0].log.parent.parent.parent}. Where much was missed, raise start_timeout_s."
            )
        time.sleep(POLL_S)
