"""Commands for lists in Cassandra: a partition a day of issue; indexes by id, entity, status and due time."""

from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from cassandra.cluster import Session
from cassandra.query import BoundStatement

from models.actions import CommandStatus
from storage.failures import mapped
from storage.orders import OrderRow
from storage.score_rows import date_value
from storage.times import day_of, millis

_COLUMNS: Final = tuple(field.name for field in fields(OrderRow))
_VALUES: Final = attrgetter(*_COLUMNS)
_TIMES: Final = ("issued_at", "changed_at", "due_at")
_RECORD: Final = (
    f"INSERT INTO commands_by_day (day, {', '.join(_COLUMNS)}) "  # noqa: S608 - the columns are constants
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))}) USING TIMESTAMP ?"
)
_BY_ID: Final = "SELECT * FROM commands_by_day WHERE command_id = ?"
_OF_ENTITY: Final = "SELECT * FROM commands_by_day WHERE entity = ?"
_IN_STATUS: Final = "SELECT * FROM commands_by_day WHERE status = ?"
_DUE: Final = "SELECT * FROM commands_by_day WHERE due_at <= ? LIMIT ?"
_DAYS: Final = "SELECT DISTINCT day FROM commands_by_day"
_OF_DAY: Final = "SELECT * FROM commands_by_day WHERE day = ? LIMIT ?"


class CassandraOrders:
    """`OrderStore` on the table `commands_by_day`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        with mapped("preparing the statements of commands"):
            self._record_order = session.prepare(_RECORD)
            self._order, self._orders_of = session.prepare(_BY_ID), session.prepare(_OF_ENTITY)
            self._orders_in, self._due_orders = session.prepare(_IN_STATUS), session.prepare(_DUE)
            self._order_days, self._orders_of_day = session.prepare(_DAYS), session.prepare(_OF_DAY)
        self._record_order.is_idempotent = True

    def record_order(self, order: OrderRow) -> None:
        """Store or update one command; repeating it changes nothing, an older version overwrites nothing."""
        with mapped(f"recording command {order.command_id!r}"):
            self._session.execute(self.order_request(order))

    def order_request(self, order: OrderRow) -> BoundStatement:
        """Return the request that records a command; it may be executed in the company of others."""
        return self._record_order.bind(_values(order))

    def order(self, command_id: str) -> OrderRow | None:
        """Return one command, or None when it is not listed."""
        with mapped(f"looking for command {command_id!r}"):
            row = self._session.execute(self._order, (command_id,)).one()
        return None if row is None else _order(row)

    def orders_of(self, entity: str) -> list[OrderRow]:
        """Return the commands of one entity, newest first."""
        with mapped(f"listing the commands of {entity!r}"):
            return _newest_first(self._session.execute(self._orders_of, (entity,)))

    def orders_in(self, status: CommandStatus) -> list[OrderRow]:
        """Return all commands in one status, newest first; ask for ended ones by `latest_orders`."""
        with mapped(f"listing the commands in status {status!r}"):
            return _newest_first(self._session.execute(self._orders_in, (status,)))

    def latest_orders(self, limit: int) -> list[OrderRow]:
        """Return the commands issued last, newest first."""
        found: list[OrderRow] = []
        with mapped("listing the latest commands"):
            days = sorted((row.day for row in self._session.execute(self._order_days)), reverse=True)
            for day in days:
                if len(found) >= limit:
                    break
                rows = self._session.execute(self._orders_of_day, (day, limit - len(found)))
                found.extend(map(_order, rows))
        return found

    def due_orders(self, now: int, limit: int) -> list[OrderRow]:
        """Return commands whose due time has come (milliseconds since the epoch), in no order."""
        with mapped("listing the commands that are due"):
            return [_order(row) for row in self._session.execute(self._due_orders, (now, limit))]


def _newest_first(rows: Iterable[Any]) -> list[OrderRow]:
    return sorted(map(_order, rows), key=lambda order: (-order.issued_at, order.command_id))


def _values(order: OrderRow) -> tuple[Any, ...]:
    day, stamp = date_value(day_of(order.issued_at)), order.issued_at * 1000 + order.version
    return (day, *_VALUES(order), stamp)


def _order(row: Any) -> OrderRow:
    times = {name: None if (at := getattr(row, name)) is None else millis(at) for name in _TIMES}
    return OrderRow(**{name: getattr(row, name) for name in _COLUMNS} | times)
