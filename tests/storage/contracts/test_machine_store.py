"""What every `MachineStore` promises, run on the twin and on Cassandra."""

from typing import Any

import msgspec
import pytest

from models.machines import Machine, Measured
from storage.machines import CassandraMachineStore, MachineStore, changes
from storage.memory import MemoryMachineStore


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> MachineStore:
    if request.param == "memory":
        return MemoryMachineStore()
    return CassandraMachineStore(request.getfixturevalue("session"), request.getfixturevalue("settings"))


def machine(name: str = "P1", **fields: Any) -> Machine:
    values: dict[str, Any] = {
        "machine_class": "pump",
        "measurements": {
            "flow": Measured(unit="m³/h", low=0, high=600.5),
            "inlet_pressure": Measured(unit="bar", low=-0.1 - 0.2, high=10),
        },
        "latitude": 48.2,
        "longitude": 16.37,
    }
    return Machine(machine=name, **{**values, **fields})


def test_machines_come_back_as_they_were(store: MachineStore) -> None:
    fixed, mobile = machine(), machine("T1", machine_class="turbine", latitude=None, longitude=None)
    store.put([fixed, mobile])
    assert store.get("P1") == fixed
    assert store.get("T1") == mobile
    assert list(store.get("P1").measurements) == ["flow", "inlet_pressure"]  # type: ignore[union-attr]


def test_what_is_not_registered_is_not_found(store: MachineStore) -> None:
    assert store.get("P1") is None
    assert list(store.all()) == []
    store.put([])


def test_a_machine_is_replaced_whole_and_others_stay(store: MachineStore) -> None:
    store.put([machine(), machine("P2")])
    moved = machine(
        measurements={"noise": Measured(unit="dB", low=20, high=140)}, latitude=None, longitude=None
    )
    store.put([moved])
    assert store.get("P1") == moved
    assert store.get("P2") == machine("P2")


def test_all_machines_are_walked_once(store: MachineStore) -> None:
    machines = [machine(f"P{n}") for n in range(500)]
    store.put(machines)
    store.put(machines[:100])
    assert sorted(store.all(), key=lambda m: int(m.machine[1:])) == machines


def test_new_and_changed_machines_are_told_apart(store: MachineStore) -> None:
    store.put([machine("P1"), machine("P2"), machine("P9")])
    changed = msgspec.structs.replace(machine("P2"), latitude=48.3)
    assert changes(store, [machine("P1"), changed, machine("P3")]) == ([machine("P3")], [changed])
    store.put([changed, machine("P3")])
    assert changes(store, [machine("P1"), changed, machine("P3")]) == ([], [])
