"""Permits in Cassandra: a row a rule, changed by conditional writes; and the row that stops all commands."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec
from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from storage.errors import RetryLaterError
from storage.failures import mapped
from storage.permits import NEVER_STOPPED, Claim, Grant, Stop, grant
from storage.rows import was_applied
from storage.times import millis

_ATTEMPTS: Final = 12
_GRACE_S: Final = 86_400
"""So long after its last permit has lapsed a rule's row is kept, in seconds."""

_READ: Final = "SELECT version, granted FROM permits WHERE rule = ?"
_WRITE: Final = "UPDATE permits USING TTL ? SET version = ?, granted = ? WHERE rule = ? IF version = ?"
_ALL: Final = "all"
_STOP: Final = "SELECT stopped, who, why, at FROM command_stops WHERE scope = ?"
_SET_STOP: Final = (
    "INSERT INTO command_stops (scope, stopped, who, why, at) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, int])

Held = Mapping[str, int]


class CassandraPermits:
    """`PermitStore` on the tables `permits` and `command_stops`; safe for threads.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, session: Session, clock: Callable[[], int]) -> None:
        self._session = session
        self._permit_clock = clock
        with mapped("preparing the statements of permits"):
            self._read_permits, self._write_permits = session.prepare(_READ), session.prepare(_WRITE)
            self._command_stop, self._set_command_stop = session.prepare(_STOP), session.prepare(_SET_STOP)
        self._read_permits.consistency_level = (
            ConsistencyLevel.LOCAL_SERIAL
        )  # sees a write that is not yet settled
        self._set_command_stop.is_idempotent = True

    def take_permits(self, rule: str, most: int, claims: Sequence[Claim], now: int) -> Grant:
        """Give permits to the first of these claims, as long as no more than `most` count at a time."""
        answer = Grant(frozenset(), None)

        def given(held: Held) -> Held:
            nonlocal answer
            after, answer = grant(held, most, claims, now)
            return after

        self._change_permits(rule, given)
        return answer

    def give_back_permits(self, rule: str, command_ids: Collection[str]) -> None:
        """End permits before their time."""
        self._change_permits(
            rule, lambda held: {name: at for name, at in held.items() if name not in command_ids}
        )

    def command_stop(self) -> Stop:
        """Return whether all commands are stopped."""
        with mapped("asking whether commands are stopped"):
            row = self._session.execute(self._command_stop, (_ALL,)).one()
        return NEVER_STOPPED if row is None else Stop(row.stopped, row.who, row.why, millis(row.at))

    def set_command_stop(self, stop: Stop) -> None:
        """Stop all commands, or let them go again; the latest wins."""
        with mapped("stopping commands" if stop.stopped else "resuming commands"):
            values = (_ALL, stop.stopped, stop.who, stop.why, stop.at, stop.at * 1000)
            self._session.execute(self._set_command_stop, values)

    def _change_permits(self, rule: str, decide: Callable[[Held], Held]) -> None:
        attempts = Retrying(
            retry=retry_if_result(lambda applied: not applied),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.01, max=0.5),
            retry_error_callback=lambda _: False,
        )
        if not attempts(self._attempt_permits, rule, decide):
            raise RetryLaterError(f"permits of {rule!r} were changed by others {_ATTEMPTS} times: ask again")

    def _attempt_permits(self, rule: str, decide: Callable[[Held], Held]) -> bool:
        with mapped(f"taking permits of {rule!r}"):
            row = self._session.execute(self._read_permits, (rule,)).one()
            version = None if row is None else row.version
            held = {} if row is None or row.granted is None else _decoder.decode(row.granted)
            after = decide(held)
            if after == held:
                return True
            lives_s = max(0, max(after.values(), default=0) - self._permit_clock()) // 1_000 + _GRACE_S
            values = (lives_s, (version or 0) + 1, _encoder.encode(after).decode(), rule, version)
            return was_applied(self._session.execute(self._write_permits, values))
