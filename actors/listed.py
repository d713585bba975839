"""What stands in the lists already, as one shard has written it: a row that would say the same is not written again."""

from collections.abc import Sequence
from typing import TypeVar

from storage.alarms import AlarmRow
from storage.orders import OrderRow

Row = TypeVar("Row", AlarmRow, OrderRow)


class Listed:
    """The rows of the entities that a shard has in memory, by entity; a digest of each.

    It is only right as long as nobody else writes rows of an entity: `forget` it when another worker was there.
    """

    def __init__(self) -> None:
        self._rows: dict[str, set[int]] = {}

    def news(self, entity: str, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that say something else than those that were listed, or more."""
        known = self._rows.get(entity, set())
        return [row for row in rows if hash(row) not in known]

    def note(self, entity: str, rows: Sequence[AlarmRow | OrderRow]) -> None:
        """Note rows that were just listed, in place of all before: what is not among them is written when it comes."""
        self._rows[entity] = {hash(row) for row in rows}

    def forget(self, entity: str) -> None:
        """Know nothing of an entity any more."""
        self._rows.pop(entity, None)
