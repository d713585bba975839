"""What operators see of alarms and do with them."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Final, NamedTuple

from actors import entity as entities
from actors.alarm import Alarm, Shelf
from models.alarms import CLOSED, OPEN_STATES
from models.floods import FloodRule
from models.operations import AlarmAction, AlarmOperation, AuditEntry
from models.policies.policies import Policies
from pipeline.alarm_lines import Line, collapsed
from pipeline.asking import Desk, ask
from pipeline.errors import RefuseUsageError
from pipeline.kpis import Kpis, Rules, Span, kpis
from storage.alarms import AlarmRow
from storage.entities import EntityStore

SEARCHED: Final = 10_000
"""How many of the alarms opened last are searched for closed ones, and for floods."""

MEASURED: Final = 100_000
"""How many of the alarms opened last, and of the audit's entries, are measured at most."""


class Wish(NamedTuple):
    """What an operator wants, and why; `lasts_s` is the length of a shelf in seconds, None is one-shot."""

    action: AlarmAction
    alarm: AlarmRow
    who: str
    why: str
    lasts_s: int | None = None


class Told(NamedTuple):
    """An alarm with everything that is known of it.

    Attributes
    ----------
    life
        As the actor keeps it; None once others have followed it.
    shelf
        How long its condition is set aside.
    audit
        What operators did with it, newest first.
    """

    row: AlarmRow
    life: Alarm | None
    shelf: Shelf | None
    audit: list[AuditEntry]


def listed(store: EntityStore, states: Iterable[str], severities: Collection[str] = ()) -> list[AlarmRow]:
    """Return the alarms in these states and of these severities, newest first; without a state all that are open."""
    found: list[AlarmRow] = []
    for state in dict.fromkeys(states or OPEN_STATES):
        closed = (a for a in store.latest_alarms(SEARCHED) if a.state == CLOSED) if state == CLOSED else None
        found.extend(store.alarms_in(state) if closed is None else closed)
    of_severity = [row for row in found if not severities or row.severity in severities]
    return sorted(of_severity, key=lambda alarm: (-alarm.opened_at, alarm.alarm_id))


def lines(
    store: EntityStore, states: Iterable[str], severities: Collection[str], policies: Policies, now: int
) -> list[Line]:
    """Return the same with one line for all alarms of a flood (`now` in milliseconds since the epoch)."""
    found = listed(store, states, severities)
    return collapsed(found, store.latest_alarms(SEARCHED), partial(_flood_rule, policies), now)


def measured(
    store: EntityStore, policies: Policies, span: Span, *, shift_ms: int, operators: int | None = None
) -> Kpis:
    """Return the measures of a span that ends now."""
    recent = (row for row in store.latest_alarms(MEASURED) if row.opened_at >= span.since)
    rules = Rules(partial(_flood_rule, policies), lambda name: policies.alarms.of(name).chattering.rule)
    alarms = {row.alarm_id: row for row in (*recent, *listed(store, ()))}
    entries = store.latest_audit(MEASURED)
    return kpis(alarms.values(), entries, span, rules, shift_ms=shift_ms, operators=operators)


def _flood_rule(policies: Policies, condition: str) -> FloodRule:
    return policies.alarms.of(condition).flood.rule


def told(store: EntityStore, name: str) -> list[Told]:
    """Return one alarm by its id, or all of an entity, newest first.

    Raises
    ------
    RefuseUsageError
        When there is neither.
    """
    rows = _named(store, name)
    entity = rows[0].entity
    known, entries = entities.decode(store.load(entity).state).alarms, store.audit_of_entity(entity)
    return [
        Told(
            row,
            known.named(row.alarm_id),
            known.shelves.get(row.condition) if row.state != CLOSED else None,
            [entry for entry in entries if entry.operation.target == row.alarm_id],
        )
        for row in rows
    ]


def audited(store: EntityStore, name: str | None, limit: int) -> list[AuditEntry]:
    """Return the latest audit entries, of all, of an entity, or of one alarm."""
    if name is None:
        return store.latest_audit(limit)
    alarm = store.alarm(name)
    entries = store.audit_of_entity(name if alarm is None else alarm.entity)
    return [e for e in entries if alarm is None or e.operation.target == alarm.alarm_id][:limit]


def chosen(store: EntityStore, name: str) -> AlarmRow:
    """Return the alarm that an operator names: by its id, or as the only open one of an entity.

    Raises
    ------
    RefuseUsageError
        When there is none, or more than one.
    """
    rows = _named(store, name)
    opened = [row for row in rows if row.state != CLOSED] or rows[:1]
    if len(opened) > 1:
        found = ", ".join(f"{row.alarm_id} ({row.condition})" for row in opened)
        raise RefuseUsageError(f"{name} has {len(opened)} open alarms, name one: {found}")
    return opened[0]


def operate(desk: Desk, wish: Wish, wait_s: float) -> AuditEntry:
    """Send a wish to the actor and return what became of it.

    Raises
    ------
    ServerAwayError
        When no actor runs (nothing was sent), or none has answered in time (it will never be applied).
    """
    return ask(desk, _operation(desk, wish, wait_s))


def _operation(desk: Desk, wish: Wish, wait_s: float) -> AlarmOperation:
    now = desk.clock()
    return AlarmOperation(
        operation_id=desk.new_id(),
        action=wish.action,
        entity=wish.alarm.entity,
        condition=wish.alarm.condition,
        alarm_id=wish.alarm.alarm_id,
        who=wish.who,
        why=wish.why,
        asked_at=now,
        expires_at=now + round(wait_s * 1_000),
        until=None if wish.lasts_s is None else now + wish.lasts_s * 1_000,
    )


def _named(store: EntityStore, name: str) -> list[AlarmRow]:
    alarm = store.alarm(name)
    rows = store.alarms_of(name) if alarm is None else [alarm]
    if not rows:
        raise RefuseUsageError(
            f"there is no alarm {name} and no alarm of an entity {name}: `fastdata alarms list` names them"
        )
    return rows
