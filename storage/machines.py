"""The machine register in Cassandra: units to show beside values, the range that a sound sensor keeps to, and places."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec
from cassandra.cluster import Session

from models.machines import Machine, Measured
from storage.failures import mapped
from storage.flight import execute_all
from storage.scan import scan
from storage.settings import CassandraSettings

_COLUMNS: Final = "machine, machine_class, latitude, longitude, measurements"
_INSERT: Final = f"INSERT INTO machines ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - the columns are a constant
_GET: Final = f"SELECT {_COLUMNS} FROM machines WHERE machine = ?"  # noqa: S608 - the columns are a constant
_ALL: Final = f"SELECT {_COLUMNS} FROM machines WHERE token(machine) > ? AND token(machine) <= ?"  # noqa: S608 - the columns are a constant

_measurements: Final = msgspec.json.Decoder(dict[str, Measured])


class MachineStore(Protocol):
    """Machines by name."""

    def put(self, machines: Sequence[Machine]) -> None:
        """Store machines whole, in place of what was known of them; all may be stored again.

        Raises
        ------
        RetryLaterError
            Cassandra did not confirm every row.
        """
        ...

    def get(self, machine: str) -> Machine | None:
        """Return one machine, or None when it is not registered."""
        ...

    def all(self) -> Iterator[Machine]:
        """Walk all machines in no order."""
        ...


class CassandraMachineStore:
    """`MachineStore` on the table `machines`.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.
    """

    def __init__(self, session: Session, settings: CassandraSettings) -> None:
        self._session = session
        self._settings = settings
        with mapped("preparing the statements of machines"):
            self._insert = session.prepare(_INSERT)
            self._get = session.prepare(_GET)
            self._all = session.prepare(_ALL)
        self._insert.is_idempotent = True

    def put(self, machines: Sequence[Machine]) -> None:
        """Store machines whole, in place of what was known of them; all may be stored again."""
        execute_all(
            self._session,
            (self._insert.bind(_values(machine)) for machine in machines),
            most=self._settings.requests_in_flight,
            doing=f"writing {len(machines)} machines",
        )

    def get(self, machine: str) -> Machine | None:
        """Return one machine, or None when it is not registered."""
        with mapped(f"reading machine {machine!r}"):
            row = self._session.execute(self._get, (machine,)).one()
        return None if row is None else _machine(row)

    def all(self) -> Iterator[Machine]:
        """Walk all machines in no order."""
        return map(_machine, scan(self._session, self._all))


def changes(store: MachineStore, machines: Sequence[Machine]) -> tuple[list[Machine], list[Machine]]:
    """Return which of these machines the store does not know, and which it knows otherwise."""
    known = {machine.machine: machine for machine in store.all()}
    new = [machine for machine in machines if machine.machine not in known]
    changed = [m for m in machines if m.machine in known and known[m.machine] != m]
    return new, changed


def _values(machine: Machine) -> tuple[Any, ...]:
    text = msgspec.json.encode(machine.measurements).decode()
    return machine.machine, machine.machine_class, machine.latitude, machine.longitude, text


def _machine(row: Any) -> Machine:
    return Machine(
        machine=row.machine,
        machine_class=row.machine_class,
        measurements=_measurements.decode(row.measurements),
        latitude=row.latitude,
        longitude=row.longitude,
    )
