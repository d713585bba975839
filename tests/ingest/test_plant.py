import threading
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RetryLaterError, StopProcessError
from ingest.fleet.fleet import Fleet
from ingest.fleet.orders import Order
from ingest.fleet.plant import KEPT, Plant
from ingest.fleet.reader import OrderReader, reading_orders
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import readings
from ingest.memory import Bus
from ingest.ports import Record
from models.actions import Ack, Command, CommandKind, Outcome, encode

NOW = 1_700_000_000_000
SOUND = FleetSettings(
    machines=3,
    faults_per_machine_day=0,
    sensor_faults_per_machine_day=0,
    gaps_per_machine_day=0,
    duplicates=0,
)


def command(number: int = 1, kind: CommandKind = "reduce_load", **fields: Any) -> Command:
    values = {
        "command_id": f"c{number}",
        "kind": kind,
        "entity": "P0001",
        "alarm_id": "a1",
        "condition": "anomaly",
        "event_id": "e1",
        "event_time": NOW,
        "issued_at": NOW,
        "expires_at": NOW + 1_000,
    }
    return Command(**{**values, **fields})


def ack(number: int = 1, outcome: Outcome = "succeeded") -> Ack:
    return Ack(command_id=f"c{number}", entity="P0001", outcome=outcome, reason="", at=NOW)


@pytest.mark.parametrize(
    "kind", ["reduce_load", "restore_load", "stop_machine", "start_machine", "schedule_inspection"]
)
@pytest.mark.parametrize("first", ["command", "ack"])
def test_an_accepted_command_is_an_order_whichever_comes_first(kind: Any, first: str) -> None:
    plant = Plant(NOW)
    if first == "command":
        assert plant.command(command(kind=kind)) is None
        assert plant.ack(ack()) == Order("P0001", kind)
    else:
        assert plant.ack(ack()) is None
        assert plant.command(command(kind=kind)) == Order("P0001", kind)


@pytest.mark.parametrize("outcome", ["refused", "expired", "cancelled", "delivered"])
def test_a_command_that_is_not_accepted_is_no_order(outcome: Any) -> None:
    plant = Plant(NOW)
    assert plant.command(command()) is None
    assert plant.ack(ack(outcome=outcome)) is None
    assert plant.command(command()) is None


def test_commands_for_cards_from_before_the_start_and_to_cancel_others_are_no_orders() -> None:
    plant = Plant(NOW)
    others = [command(1, "block_card"), command(2, issued_at=NOW - 1), command(3, cancels="c9")]
    for number, other in enumerate(others, 1):
        assert plant.command(other) is None
        assert plant.ack(ack(number)) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=60))
def test_each_accepted_command_is_carried_out_once_however_often_it_comes(
    steps: list[tuple[bool, int]],
) -> None:
    plant = Plant(NOW)
    orders = []
    for is_ack, number in steps:
        outcome: Outcome = "refused" if number == 0 else "succeeded"
        order = (
            plant.ack(ack(number, outcome)) if is_ack else plant.command(command(number, entity=f"M{number}"))
        )
        orders += [order] if order else []
    both = {n for a, n in steps if a and n} & {n for a, n in steps if not a}
    assert sorted(order.machine for order in orders) == sorted(f"M{n}" for n in both)


def test_a_plant_forgets_only_what_is_long_ago() -> None:
    plant = Plant(NOW)
    for number in range(KEPT + 1):
        plant.command(command(number))
    assert plant.ack(ack(0)) is None
    assert plant.ack(ack(KEPT)) == Order("P0001", "reduce_load")


@pytest.fixture
def reader(bus: Bus) -> OrderReader:
    return OrderReader(bus.consumer("plant", ["commands", "acks"]), bus.settings, Plant(NOW))


def send(bus: Bus, *messages: Command | Ack) -> None:
    producer = bus.producer()
    for message in messages:
        producer.send("acks" if isinstance(message, Ack) else "commands", message.entity, encode(message))
    producer.flush()


def test_what_the_gateway_accepts_shows_in_the_machines_next_reading(bus: Bus, reader: OrderReader) -> None:
    fleet = Fleet(SOUND, NOW)
    stream = readings(fleet, None, reader.orders, lambda _: None)
    before = [next(stream) for _ in range(30)]
    send(bus, command(kind="stop_machine"), ack(), command(2, entity="M0002"), ack(2, "refused"))
    reader.step()
    after = [next(stream) for _ in range(30)]
    speeds = {
        name: [[r.measurements["speed"] for r in some if r.machine == name] for some in (before, after)]
        for name in fleet.names
    }
    assert min(speeds["P0001"][0]) > 1_000  # type: ignore[type-var, operator]
    assert max(speeds["P0001"][1]) < 10  # type: ignore[type-var, operator]
    assert min(speeds["M0002"][1]) > 1_000  # type: ignore[type-var, operator]


def test_redelivered_records_order_nothing_again(bus: Bus, reader: OrderReader) -> None:
    send(bus, command(), ack(), command(), ack())
    reader.step()
    send(bus, ack(), command())
    reader.step()
    assert reader.orders() == [Order("P0001", "reduce_load")]
    assert reader.orders() == []
    assert bus.consumer("plant", ["commands"]).lag() == 0


def test_what_is_no_command_is_skipped_and_told(bus: Bus, reader: OrderReader) -> None:
    bus.producer().send("commands", "P0001", b"{")
    send(bus, command(), ack())
    with structlog.testing.capture_logs() as logs:
        reader.step()
    assert reader.orders() == [Order("P0001", "reduce_load")]
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["plant_skips_record"]


class Flaky:
    """A consumer whose Kafka is away once, then is refused."""

    def __init__(self, then: list[Record]) -> None:
        self.answers: list[Any] = [RetryLaterError("away"), then, StopProcessError("not authorised")]
        self.committed: list[Record] = []

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def commit(self, records: Any) -> None:
        self.committed += records

    def lag(self) -> int:
        return 0

    def close(self) -> None:
        pass


def test_a_reader_outlives_an_outage_and_tells_what_ends_it(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.fleet.reader.PAUSE_S", 0.0)
    send(bus, command(), ack())
    consumer = Flaky([*bus.read_all("commands"), *bus.read_all("acks")])
    reader = OrderReader(consumer, bus.settings, Plant(NOW))
    reader.run(threading.Event())
    assert len(consumer.committed) == 2
    with pytest.raises(StopProcessError, match="not authorised"):
        reader.orders()


def test_a_reader_runs_beside_and_ends_with_its_block(bus: Bus, reader: OrderReader) -> None:
    send(bus, command(), ack())
    found: list[Order] = []
    with reading_orders(reader) as orders:
        for _ in range(10_000):
            found += orders()
            if found:
                break
            threading.Event().wait(0.001)
    assert found == [Order("P0001", "reduce_load")]
    assert not [thread for thread in threading.enumerate() if thread.name == "plant"]
