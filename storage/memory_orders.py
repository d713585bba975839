"""The in-memory twin of the list of commands."""

from threading import Lock

from models.actions import CommandStatus
from storage.orders import OrderRow


class MemoryOrders:
    """Commands in a dictionary; safe for threads."""

    def __init__(self) -> None:
        self._orders_lock = Lock()
        self._orders: dict[str, OrderRow] = {}

    def record_order(self, order: OrderRow) -> None:
        """Store or update one command, the latest version winning."""
        with self._orders_lock:
            known = self._orders.get(order.command_id)
            if known is None or known.version <= order.version:
                self._orders[order.command_id] = order

    def order(self, command_id: str) -> OrderRow | None:
        """Return one command, or None when it is not listed."""
        with self._orders_lock:
            return self._orders.get(command_id)

    def orders_of(self, entity: str) -> list[OrderRow]:
        """Return the commands of one entity, newest first."""
        return [order for order in self._newest_orders() if order.entity == entity]

    def orders_in(self, status: CommandStatus) -> list[OrderRow]:
        """Return all commands in one status, newest first."""
        return [order for order in self._newest_orders() if order.status == status]

    def latest_orders(self, limit: int) -> list[OrderRow]:
        """Return the commands issued last, newest first."""
        return self._newest_orders()[:limit]

    def due_orders(self, now: int, limit: int) -> list[OrderRow]:
        """Return commands whose due time has come."""
        due = (order for order in self._newest_orders() if order.due_at is not None and order.due_at <= now)
        return list(due)[:limit]

    def _newest_orders(self) -> list[OrderRow]:
        with self._orders_lock:
            return sorted(self._orders.values(), key=lambda order: (-order.issued_at, order.command_id))
