"""The notifier's ledger: which changes it knows, what it collects, its timers, and its messages, in one SQLite file."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from actors.notifier.duties import Duty
from actors.notifier.messages import Flooded, Message
from models.alarms import AlarmChange, decode_change, encode_change
from models.floods import Watch

MessageState = Literal["waiting", "sent", "failed"]

_encode: Final = msgspec.json.Encoder().encode
_duty: Final = msgspec.json.Decoder(Duty).decode
_watch: Final = msgspec.json.Decoder(Watch).decode
_flooded: Final = msgspec.json.Decoder(Flooded).decode
_message: Final = msgspec.json.Decoder(Message).decode


class Told(NamedTuple):
    """A message and what became of it.

    Attributes
    ----------
    attempts
        How often its channel was tried.
    reason
        Why it failed.
    finished_at
        When it was sent or given up, milliseconds since the epoch.
    """

    message: Message
    state: MessageState
    attempts: int
    reason: str | None
    finished_at: int | None


class NotifierLedger:
    """Everything the notifier knows. What is changed in one `changing` block is there as a whole, or not at all.

    Threads take turns: the loop that takes changes, and one for each channel.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.RLock()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Make one transaction of the block; durable at its end."""
        with self._turn:
            self._connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def is_new(self, change_id: str, now: int) -> bool:
        """Note a change; return whether it was unknown."""
        name = hashlib.blake2b(change_id.encode(), digest_size=16).digest()
        return self._connection.execute("insert or ignore into seen values (?, ?)", (name, now)).rowcount == 1

    def collect(self, route: str, change: AlarmChange, now: int) -> None:
        """Keep a change for the next message of its route."""
        self._connection.execute(
            "insert into collected(route, change, at) values (?, ?, ?)", (route, encode_change(change), now)
        )

    def collecting(self) -> dict[str, int]:
        """Return the routes that collect, each with the time of its first change."""
        return dict(self._rows("select route, min(at) from collected group by route"))

    def release(self, route: str, most: int) -> list[AlarmChange]:
        """Take out what a route has collected, in its order."""
        rows = self._rows(
            "select number, change from collected where route = ? order by number limit ?", (route, most)
        )
        if rows:
            self._connection.execute(
                "delete from collected where route = ? and number <= ?", (route, rows[-1][0])
            )
        return [decode_change(change) for _, change in rows]

    def duties_of(self, alarm_id: str) -> list[Duty]:
        """Return the duties of all routes for one alarm."""
        rows = self._rows("select duty from duties where alarm_id = ?", (alarm_id,))
        return [_duty(duty) for (duty,) in rows]

    def set_duty(self, duty: Duty) -> None:
        """Keep a duty in its present state."""
        self._connection.execute(
            "insert or replace into duties values (?, ?, ?, ?)",
            (duty.alarm.alarm_id, duty.route, duty.due_at, _encode(duty)),
        )

    def end_duty(self, duty: Duty) -> None:
        """Forget a duty."""
        self._connection.execute(
            "delete from duties where alarm_id = ? and route = ?", (duty.alarm.alarm_id, duty.route)
        )

    def duties_since(self) -> dict[str, int]:
        """Return the routes that have duties, each with the earliest time one is due."""
        return dict(self._rows("select route, min(due_at) from duties group by route"))

    def duties_due(self, route: str, now: int, most: int) -> list[Duty]:
        """Return a route's duties that are due, the earliest first."""
        rows = self._rows(
            "select duty from duties where route = ? and due_at <= ? order by due_at limit ?",
            (route, now, most),
        )
        return [_duty(duty) for (duty,) in rows]

    def watch(self, condition: str) -> Watch:
        """Return what is remembered of a condition's openings."""
        rows = self._rows("select watch from watches where condition = ?", (condition,))
        return _watch(rows[0][0]) if rows else Watch()

    def set_watch(self, condition: str, watch: Watch) -> None:
        """Remember a condition's openings."""
        self._connection.execute("insert or replace into watches values (?, ?)", (condition, _encode(watch)))

    def flooding(self) -> list[str]:
        """Return the conditions of which something is not told."""
        return [condition for (condition,) in self._rows("select distinct condition from floods")]

    def flooded(self, condition: str) -> dict[str, Flooded]:
        """Return what is not told because of a condition's flood, by route."""
        rows = self._rows("select route, flooded from floods where condition = ?", (condition,))
        return {route: _flooded(flooded) for route, flooded in rows}

    def set_flooded(self, flooded: Flooded) -> None:
        """Count what is not told."""
        self._connection.execute(
            "insert or replace into floods values (?, ?, ?)",
            (flooded.condition, flooded.route, _encode(flooded)),
        )

    def end_flood(self, condition: str) -> None:
        """Forget what was not told of a condition."""
        self._connection.execute("delete from floods where condition = ?", (condition,))

    def post(self, messages: Iterable[Message]) -> None:
        """Put messages in their channels' queues."""
        self._connection.executemany(
            "insert into messages(channel, state, message) values (?, 'waiting', ?)",
            [(message.channel, _encode(message)) for message in messages],
        )

    def next_message(self, channel: str) -> Message | None:
        """Return the message that a channel has to take next."""
        rows = self._rows(
            "select number, message from messages where state = 'waiting' and channel = ? order by number limit 1",
            (channel,),
        )
        return replace(_message(rows[0][1]), number=rows[0][0], channel=channel) if rows else None

    def queues(self) -> dict[str, int]:
        """Return how many messages wait, by channel."""
        return dict(
            self._rows("select channel, count(*) from messages where state = 'waiting' group by channel")
        )

    def move(self, channel: str, other: str) -> None:
        """Let what waits for one channel wait for another."""
        self._connection.execute(
            "update messages set channel = ? where state = 'waiting' and channel = ?", (other, channel)
        )

    def finish(
        self, message: Message, state: MessageState, now: int, *, attempts: int, reason: str | None = None
    ) -> None:
        """Note what became of a message."""
        self._connection.execute(
            "update messages set state = ?, attempts = ?, reason = ?, finished_at = ? where number = ?",
            (state, attempts, reason, now, message.number),
        )

    def keep(self, message: Message, state: MessageState, now: int, *, reason: str | None) -> None:
        """Keep a message that did not come out of a queue."""
        self._connection.execute(
            "insert into messages(channel, state, message, attempts, reason, finished_at) values (?, ?, ?, 1, ?, ?)",
            (message.channel, state, _encode(message), reason, now),
        )

    def told(self, limit: int, channel: str | None = None) -> list[Told]:
        """Return the latest messages, the last first."""
        rows = self._rows(
            "select number, message, state, attempts, reason, finished_at from messages "
            "where ? is null or channel = ? order by number desc limit ?",
            (channel, channel, limit),
        )
        return [Told(replace(_message(body), number=number), *rest) for number, body, *rest in rows]

    def prune(self, seen_before: int, finished_before: int) -> None:
        """Forget changes that were seen, and messages that were finished, before these times."""
        self._connection.execute("delete from seen where at < ?", (seen_before,))
        self._connection.execute("delete from messages where finished_at < ?", (finished_before,))

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._turn:
            return self._connection.execute(query, values).fetchall()
