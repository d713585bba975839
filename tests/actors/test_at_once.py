"""The same alert at once to several workers, in memory and on a real Cassandra: one alarm, one command, one effect."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from acked_at_flush import AckedAtFlush

from actors import entity as entities
from actors.bridges.simulated import SimulatedDevices
from actors.gateway import Gateway
from actors.ledger_file import open_ledger
from actors.settings import ActorSettings, GatewaySettings
from actors.work import Work
from models.actions import Command, decode_command
from models.policies.policies import Policies
from models.scores import Score
from pipeline.bootstrap.clocks import wall_ms
from storage.entities import EntityStore
from storage.entity_store import CassandraEntityStore
from storage.memory import MemoryEntityStore
from storage.session import connect
from storage.settings import CassandraSettings

WORKERS, TIMES = 4, 50
CARD = "tok_" + "0" * 24


class Wire(AckedAtFlush):
    """A producer of one worker."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Command] = []

    def took(self, topic: str, key: str, value: bytes) -> None:
        if topic == "commands":
            self.commands.append(decode_command(value))


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def shared(request: pytest.FixtureRequest) -> Iterator[EntityStore]:
    """Give the store of all workers."""
    if request.param == "memory":
        yield MemoryEntityStore(wall_ms)
        return
    endpoint = request.getfixturevalue("cassandra_endpoint")
    cassandra = CassandraSettings(
        contact_points=endpoint.contact_points,
        port=endpoint.port,
        local_dc=endpoint.dc,
        keyspace=request.getfixturevalue("emptied_keyspace"),
        request_timeout_s=60,
    )
    with connect(cassandra) as session:
        yield CassandraEntityStore(session, cassandra, wall_ms)


def test_one_alert_fifty_times_at_once_to_four_workers_is_one_alarm_one_command_and_one_effect(
    shared: EntityStore,
    settings: ActorSettings,
    policies: Policies,
    alert: Callable[..., Score],
    tmp_path: Path,
) -> None:
    begin = threading.Barrier(WORKERS)
    wires, failures = [Wire() for _ in range(WORKERS)], []

    def run(wire: Wire) -> None:
        work = Work(
            shared,
            wire,
            settings,
            policies,
            reject=lambda record, error: failures.append(error),
            clock=wall_ms,
            stop=threading.Event(),
        )
        begin.wait()
        try:
            for size in (1, 9, 1, 39):
                work([alert("e1")] * size)
        except BaseException as error:  # noqa: BLE001 - the test tells it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

    published = [command for wire in wires for command in wire.commands]
    snapshot = shared.load(CARD)
    (alarm,) = entities.decode(snapshot.state).alarms.all
    assert (snapshot.alerts, alarm.alerts) == ({"e1/fraud"}, 1)
    assert {command.command_id for command in published} == {c.command_id for c in snapshot.commands}
    assert [row.alarm_id for row in shared.alarms_of(CARD)] == [alarm.alarm_id]

    gateway_settings = GatewaySettings(refuse_probability=0)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        in_time = lambda: published[0].issued_at  # noqa: E731 - however slow this machine is
        gateway = Gateway(ledger, SimulatedDevices(gateway_settings, in_time), in_time, 1_000)
        acks = [*gateway.take(published), *gateway.hear()]
        assert len(ledger.effects()) == 1
    later = Work(
        shared,
        Wire(),
        settings,
        policies,
        reject=lambda record, error: None,
        clock=wall_ms,
        stop=threading.Event(),
    )
    later(acks)
    assert [row.status for row in shared.load(CARD).commands] == ["succeeded"]
