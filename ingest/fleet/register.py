"""A simulated fleet as a machine register."""

from ingest.fleet.classes import CLASSES, class_of, machine_name
from ingest.fleet.gauges import MachineClass
from ingest.fleet.places import Places
from ingest.fleet.settings import FleetSettings
from models.machines import Machine, Measured


def register_of(settings: FleetSettings) -> list[Machine]:
    """Return the machines of a fleet, in the order of their numbers."""
    places = Places(settings.seed, settings.machines)
    home, moving = places.home.round(5).tolist(), places.moving.tolist()
    measured = {each.name: _measured(each) for each in CLASSES}
    machines = []
    for number in range(settings.machines):
        latitude, longitude = (None, None) if moving[number] else home[number]
        machines.append(
            Machine(
                machine=machine_name(number),
                machine_class=class_of(number).name,
                measurements=measured[class_of(number).name],
                latitude=latitude,
                longitude=longitude,
            )
        )
    return machines


def _measured(machine_class: MachineClass) -> dict[str, Measured]:
    return {g.name: Measured(unit=g.unit, low=g.low, high=g.high) for g in machine_class.gauges}
