"""The machine register: a file into the store, and out of it again."""

from pathlib import Path
from typing import NamedTuple

from ingest.register import load_register
from models.machines import Machine
from pipeline.bootstrap.stores import open_stores
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings
from storage.machines import changes


class Imported(NamedTuple):
    """How many machines of a file were new, changed, and as they were."""

    new: int
    changed: int
    same: int


def import_file(settings: Settings, path: Path) -> Imported:
    """Store the machines of a file."""
    machines = load_register(path)
    with open_stores(settings.cassandra) as stores:
        new, changed = changes(stores.machines, machines)
        stores.machines.put([*new, *changed])
    return Imported(len(new), len(changed), len(machines) - len(new) - len(changed))


def registered(settings: Settings, name: str | None) -> list[Machine]:
    """Return the machine of this name, or all, by name."""
    with open_stores(settings.cassandra) as stores:
        if name is None:
            return sorted(stores.machines.all(), key=lambda machine: machine.machine)
        found = stores.machines.get(name)
    if found is None:
        raise RefuseUsageError(f"no machine {name!r} is registered: `fastdata machines list` names them")
    return [found]
