"""In-memory twins of the stores, for tests and trials; they pass the contract suite of the real ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from models.machines import Machine
from models.scores import Score
from storage.alarms import AlarmRow
from storage.entities import EMPTY, Change, Snapshot
from storage.errors import StaleWriteError
from storage.memory_audit import MemoryAudit
from storage.memory_cases import MemoryCases
from storage.memory_orders import MemoryOrders
from storage.memory_permits import MemoryPermits
from storage.one_by_one import OneByOne
from storage.scores import StampedScore
from storage.times import days_between


class MemoryScoreStore:
    """Scores in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, str, str], StampedScore] = {}

    def write(self, scores: Sequence[StampedScore]) -> None:
        """Store all scores, the latest stamp of each event and model winning."""
        for row in scores:
            score = row.score
            key = (score.entity, score.event_time, score.event_id, score.model)
            known = self._rows.get(key)
            if known is None or known.stamp_us <= row.stamp_us:
                self._rows[key] = row

    def of_entity(self, entity: str, start_ms: int, end_ms: int) -> list[Score]:
        """Return the scores of events with start <= event time < end, oldest first."""
        days_between(start_ms, end_ms)
        keys = sorted(k for k in self._rows if k[0] == entity and start_ms <= k[1] < end_ms)
        return [self._rows[key].score for key in keys]

    def by_event(self, event_id: str) -> list[Score]:
        """Return what each model said of one event, sorted by model."""
        scores = [row.score for key, row in self._rows.items() if key[2] == event_id]
        return sorted(scores, key=lambda score: score.model)

    def ids(self) -> Iterator[tuple[str, str]]:
        """Walk (event id, model) of all scores."""
        return iter([(key[2], key[3]) for key in self._rows])


@dataclass
class _Entity:
    snapshot: Snapshot = EMPTY
    taken: dict[str, int] = field(default_factory=dict)


class MemoryEntityStore(OneByOne, MemoryCases, MemoryOrders, MemoryPermits, MemoryAudit):
    """Entities, alarms, cases, commands, permits and the audit in dictionaries; safe for threads.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        MemoryCases.__init__(self)
        MemoryOrders.__init__(self)
        MemoryPermits.__init__(self)
        MemoryAudit.__init__(self)
        self._clock = clock
        self._lock = Lock()
        self._entities: dict[str, _Entity] = {}
        self._alarms: dict[str, AlarmRow] = {}

    def load(self, entity: str, *, settled: bool = True) -> Snapshot:  # noqa: ARG002 - all saves are settled here
        """Return the entity as the last successful save left it."""
        with self._lock:
            return self._entities.get(entity, _Entity()).snapshot

    def save(self, entity: str, expected_version: int, change: Change) -> int:
        """Apply the change if the entity is still at the expected version; return the new version."""
        with self._lock:
            held = self._entities.get(entity, _Entity())
            if held.snapshot.version != expected_version:
                raise StaleWriteError(entity, expected_version, held.snapshot.version)
            held.taken.update(dict.fromkeys(change.alerts, self._clock()))
            held.snapshot = _changed(held.snapshot, change)
            self._entities[entity] = held
            return held.snapshot.version

    def taken_at(self, entity: str, alert_id: str) -> int | None:
        """Return when an alert was taken, in milliseconds since the epoch, or None."""
        with self._lock:
            return self._entities.get(entity, _Entity()).taken.get(alert_id)

    def entities(self) -> Iterator[str]:
        """Walk all entities once."""
        with self._lock:
            return iter(list(self._entities))

    def record_alarm(self, alarm: AlarmRow) -> None:
        """Store or update one alarm, the latest version winning."""
        with self._lock:
            known = self._alarms.get(alarm.alarm_id)
            if known is None or known.version <= alarm.version:
                self._alarms[alarm.alarm_id] = alarm

    def latest_alarms(self, limit: int) -> list[AlarmRow]:
        """Return the alarms opened last, newest first."""
        return self._newest()[:limit]

    def alarms_of(self, entity: str) -> list[AlarmRow]:
        """Return the alarms of one entity, newest first."""
        return [alarm for alarm in self._newest() if alarm.entity == entity]

    def alarm(self, alarm_id: str) -> AlarmRow | None:
        """Return one alarm, or None when it is not listed."""
        with self._lock:
            return self._alarms.get(alarm_id)

    def alarms_in(self, state: str) -> list[AlarmRow]:
        """Return all alarms in one state, newest first."""
        return [alarm for alarm in self._newest() if alarm.state == state]

    def due_alarms(self, now: int, limit: int) -> list[AlarmRow]:
        """Return alarms whose due time has come."""
        due = (alarm for alarm in self._newest() if alarm.due_at is not None and alarm.due_at <= now)
        return list(due)[:limit]

    def _newest(self) -> list[AlarmRow]:
        with self._lock:
            return sorted(self._alarms.values(), key=lambda a: (-a.opened_at, a.alarm_id))


def _changed(snapshot: Snapshot, change: Change) -> Snapshot:
    commands = {c.command_id: c for c in (*snapshot.commands, *change.commands)}
    decided = {o.operation_id: o for o in (*snapshot.operations, *change.operations)}
    return replace(
        snapshot,
        version=snapshot.version + 1,
        state=change.state,
        alerts=snapshot.alerts | frozenset(change.alerts),
        commands=tuple(commands[key] for key in sorted(commands)),
        operations=tuple(decided[key] for key in sorted(decided)),
    )


class MemoryMachineStore:
    """The machine register in a dictionary."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}

    def put(self, machines: Sequence[Machine]) -> None:
        """Store machines whole, in place of what was known of them."""
        self._machines.update({machine.machine: machine for machine in machines})

    def get(self, machine: str) -> Machine | None:
        """Return one machine, or None when it is not registered."""
        return self._machines.get(machine)

    def all(self) -> Iterator[Machine]:
        """Walk all machines."""
        return iter(list(self._machines.values()))
