"""The real places behind `fastdata alarms`."""

from collections.abc import Collection, Iterable

from models.operations import AlarmAction, AuditEntry
from pipeline import operators
from pipeline.alarm_lines import Line
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.desks import open_office
from pipeline.bootstrap.policies import policies_of
from pipeline.bootstrap.stores import open_stores
from pipeline.kpis import Kpis, Span
from pipeline.operators import Told, Wish
from pipeline.settings import Settings
from storage.alarms import AlarmRow


def listed(settings: Settings, states: Iterable[str], severities: Collection[str]) -> list[AlarmRow]:
    """Return the alarms in these states and of these severities, newest first; without a state all that are open."""
    with open_stores(settings.cassandra) as stores:
        return operators.listed(stores.entities, states, severities)


def lines(settings: Settings, states: Iterable[str], severities: Collection[str]) -> list[Line]:
    """Return the same with one line for all alarms of a flood."""
    policies = policies_of(settings)
    with open_stores(settings.cassandra) as stores:
        return operators.lines(stores.entities, states, severities, policies, wall_ms())


def measured(settings: Settings, since_s: int, shift_s: int, people: int | None) -> Kpis:
    """Return the measures of the time since so many seconds ago."""
    now, policies = wall_ms(), policies_of(settings)
    span = Span(now - since_s * 1_000, now)
    with open_stores(settings.cassandra) as stores:
        return operators.measured(stores.entities, policies, span, shift_ms=shift_s * 1_000, operators=people)


def told(settings: Settings, name: str) -> list[Told]:
    """Return one alarm by its id, or all of an entity."""
    with open_stores(settings.cassandra) as stores:
        return operators.told(stores.entities, name)


def audited(settings: Settings, name: str | None, limit: int) -> list[AuditEntry]:
    """Return the latest audit entries."""
    with open_stores(settings.cassandra) as stores:
        return operators.audited(stores.entities, name, limit)


def operate(
    settings: Settings,
    name: str,
    action: AlarmAction,
    *,
    who: str,
    why: str,
    wait_s: float,
    lasts_s: int | None = None,
) -> AuditEntry:
    """Do something with the alarm of this name and return what became of it."""
    with open_office(settings) as office:
        alarm = operators.chosen(office.stores.entities, name)
        return operators.operate(office.desk, Wish(action, alarm, who, why, lasts_s), wait_s)
