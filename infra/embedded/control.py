"""Up and down: the whole cluster of one state directory."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from infra.embedded import archives, ports, processes
from infra.embedded.layout import Node, Ports, servers_dir
from infra.embedded.settings import EmbeddedSettings
from infra.embedded.start import Answering, Report, Start, bring_up
from infra.embedded.state import (
    ClusterState,
    Endpoints,
    locked,
    new_cluster_id,
    read_state,
    servers_json,
    write_state,
)
from infra.errors import GiveUpStopError, PortTakenError, RefuseStateError

KafkaBrokers = Callable[[str], int]
CassandraNodes = Callable[[tuple[str, ...], int], int]

Tasks = Sequence[tuple[Sequence[Node], Answering]]

_PORT_TRIES = 3


def up(
    settings: EmbeddedSettings,
    *,
    kafka_brokers: KafkaBrokers,
    cassandra_nodes: CassandraNodes,
    report: Report,
) -> Endpoints:
    """Start the servers that are not running, and return when every one answers.

    Parameters
    ----------
    settings
        What to start, and where.
    kafka_brokers
        Tells how many brokers answer behind a bootstrap address, 0 on failure.
    cassandra_nodes
        Tells how many nodes answer behind contact points and a port, 0 on failure.
    report
        Takes one line of progress at a time.

    Returns
    -------
    Endpoints
        Where the servers answer; `endpoints` reads the same later.

    Raises
    ------
    GiveUpStartError
        A server did not come up; what this call had started is stopped again.
    """
    with locked(settings.state_dir, report):
        for _ in range(_PORT_TRIES - 1):
            try:
                return _up_once(settings, kafka_brokers, cassandra_nodes, report)
            except PortTakenError as error:
                # Somebody was faster between our look and the server's start.
                report(f"{error} Trying other ports.")
        return _up_once(settings, kafka_brokers, cassandra_nodes, report)


def endpoints(settings: EmbeddedSettings) -> Endpoints | None:
    """Say where the servers of this state directory answer; None when it has none."""
    state = read_state(settings.state_dir)
    return state.endpoints(settings.state_dir) if state else None


def down(settings: EmbeddedSettings, *, wipe: bool = False, report: Report) -> None:
    """Stop the servers; with `wipe`, say what is deleted and delete their data and logs."""
    with locked(settings.state_dir, report):
        state = read_state(settings.state_dir)
        if state is None:
            report(f"No servers are known in {settings.state_dir}.")
        else:
            nodes = state.all_nodes(settings.state_dir)
            names = _stop(nodes, settings)
            archives.make_later(nodes)
            report(f"Stopped {', '.join(names)}." if names else "No server was running.")
        if wipe:
            _wipe(settings, report)


def _up_once(
    settings: EmbeddedSettings, kafka_brokers: KafkaBrokers, cassandra_nodes: CassandraNodes, report: Report
) -> Endpoints:
    state = _settled_state(settings, report)
    write_state(settings.state_dir, state)
    found = state.endpoints(settings.state_dir)
    start = Start(settings, report, state.cluster_id)
    contact = (found.cassandra_contact_points, found.cassandra_port)
    tasks: Tasks = (
        (state.kafka_nodes(settings.state_dir), lambda: kafka_brokers(found.kafka_bootstrap)),
        (state.cassandra_nodes(settings.state_dir), lambda: cassandra_nodes(*contact)),
    )
    _together(start, tasks)
    return found


def _together(start: Start, tasks: Tasks) -> None:
    try:
        with ThreadPoolExecutor(len(tasks)) as pool:
            futures = [pool.submit(bring_up, start, nodes, answering) for nodes, answering in tasks]
            try:
                for future in as_completed(futures):
                    future.result()
            finally:
                start.cancelled.set()
    except BaseException:
        _stop(start.started, start.settings)
        raise


def _settled_state(settings: EmbeddedSettings, report: Report) -> ClusterState:
    state = read_state(settings.state_dir)
    wanted_kafka = Ports(settings.kafka_port, settings.kafka_controller_port)
    wanted_cassandra = Ports(settings.cassandra_port, settings.cassandra_storage_port)
    if state is None:
        state = ClusterState(settings.nodes, new_cluster_id(), wanted_kafka, wanted_cassandra)
    if state.nodes != settings.nodes:
        raise RefuseStateError(
            f"{settings.state_dir} holds a cluster with nodes={state.nodes}, asked for was nodes={settings.nodes}. "
            "Ask for the same number, use another state_dir, or delete the data with `down --wipe`."
        )
    kafka = _settled_ports(state.kafka_nodes(settings.state_dir), report, avoid=())
    avoid = (kafka.client, kafka.internal)
    cassandra = _settled_ports(state.cassandra_nodes(settings.state_dir), report, avoid)
    return replace(state, kafka=kafka, cassandra=cassandra)


def _settled_ports(nodes: Sequence[Node], report: Report, avoid: Sequence[int]) -> Ports:
    """Keep the ports while any node runs; otherwise take others when these are in use."""
    wanted = nodes[0].ports
    if any(processes.running(node) for node in nodes):
        return wanted
    for node in nodes:
        processes.await_end(node)
    chosen = ports.choose(wanted, len(nodes), avoid)
    if chosen != wanted:
        report(
            f"{nodes[0].kind}: ports {wanted.client} and {wanted.internal} are not both free, "
            f"taking {chosen.client} and {chosen.internal}."
        )
    return chosen


def _stop(nodes: Sequence[Node], settings: EmbeddedSettings) -> list[str]:
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        stopped = list(pool.map(lambda node: processes.stop(node, settings.stop_timeout_s), nodes))
    return [node.name for node, was_running in zip(nodes, stopped, strict=True) if was_running]


def _wipe(settings: EmbeddedSettings, report: Report) -> None:
    targets = [
        path for path in (servers_dir(settings.state_dir), servers_json(settings.state_dir)) if path.exists()
    ]
    for path in targets:
        size = processes.disk_bytes(path) if path.is_dir() else path.stat().st_size
        report(f"Deleting {path} ({size / 2**20:.1f} MiB).")
    try:
        for path in targets:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise GiveUpStopError(f"{error.filename} could not be deleted: {error.strerror}.") from error
