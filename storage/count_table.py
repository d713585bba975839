"""Counts in Cassandra: a partition a day, a row a minute, stage and part; and a row for each position."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

import msgspec
from cassandra.cluster import Session
from cassandra.query import BatchStatement, BatchType

from storage.counts import MinuteCount, Position
from storage.failures import mapped
from storage.score_rows import date_value
from storage.times import day_of, days_between, millis

_NAMES: Final = tuple(field.name for field in fields(MinuteCount))
_PUT: Final = (
    f"INSERT INTO counts_by_minute (day, {', '.join(_NAMES)}) "  # noqa: S608 - the columns are constants
    f"VALUES (?, {', '.join('?' * len(_NAMES))})"
)
_MOVE: Final = "INSERT INTO count_positions (part, minute, end_offset, newest) VALUES (?, ?, ?, ?)"
_OF_DAY: Final = "SELECT * FROM counts_by_minute WHERE day = ? AND minute >= ? AND minute < ?"
_GAPS: Final = "SELECT * FROM counts_by_minute WHERE missing > 0"
_POSITIONS: Final = "SELECT * FROM count_positions"

_encode = msgspec.json.Encoder().encode
_counts = msgspec.json.Decoder(dict[str, int])
_ids = msgspec.json.Decoder(tuple[str, ...])


class CassandraCounts:
    """`CountStore` on the tables `counts_by_minute` and `count_positions`.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        with mapped("preparing the statements of counts"):
            self._put, self._move = session.prepare(_PUT), session.prepare(_MOVE)
            self._of_day, self._gaps = session.prepare(_OF_DAY), session.prepare(_GAPS)
            self._positions = session.prepare(_POSITIONS)

    def record(self, counts: Sequence[MinuteCount], position: Position | None = None) -> None:
        """Store counts, each in place of what was there, and the position with them: all or nothing."""
        batch = BatchStatement(BatchType.LOGGED)
        batch.is_idempotent = True
        for count in counts:
            batch.add(self._put, _values(count))
        if position is not None:
            batch.add(self._move, (position.part, position.minute, position.end_offset, position.newest))
        if len(batch):
            with mapped(f"recording {len(counts)} counts"):
                self._session.execute(batch)

    def positions(self) -> list[Position]:
        """Return how far every partition is counted, sorted by part."""
        with mapped("reading the positions of counts"):
            found = [_position(row) for row in self._session.execute(self._positions)]
        return sorted(found, key=lambda position: position.part)

    def between(self, start_ms: int, end_ms: int) -> list[MinuteCount]:
        """Return the counts of minutes with start <= beginning < end, the oldest first."""
        days = days_between(start_ms, end_ms)
        with mapped("reading counts"):
            return _in_order(
                row
                for day in days
                for row in self._session.execute(self._of_day, (date_value(day), start_ms, end_ms))
            )

    def gaps(self) -> list[MinuteCount]:
        """Return the counts with something missing."""
        with mapped("reading the counts with gaps"):
            return _in_order(self._session.execute(self._gaps))


def _values(count: MinuteCount) -> tuple[Any, ...]:
    values = {name: getattr(count, name) for name in _NAMES}
    values["counts"] = _encode(count.counts).decode()
    values["ids"] = _encode(count.ids).decode()
    return (date_value(day_of(count.minute)), *values.values())


def _position(row: Any) -> Position:
    return Position(
        part=row.part, minute=millis(row.minute), end_offset=row.end_offset, newest=millis(row.newest)
    )


def _count(row: Any) -> MinuteCount:
    values = {name: getattr(row, name) for name in _NAMES}
    values["minute"] = millis(row.minute)
    values["counts"], values["ids"] = _counts.decode(row.counts), _ids.decode(row.ids)
    return MinuteCount(**values)


def _in_order(rows: Iterable[Any]) -> list[MinuteCount]:
    return sorted(map(_count, rows), key=lambda count: (count.minute, count.stage, count.part))
