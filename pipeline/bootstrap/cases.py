"""The real places behind `fastdata cases`."""

from collections.abc import Iterable
from uuid import uuid4

from models.cases import CaseState
from models.operations import AuditEntry, CaseAction, CaseOutcome
from pipeline import cases
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.desks import open_office
from pipeline.bootstrap.stores import open_stores
from pipeline.cases import Told, Wish
from pipeline.settings import Settings
from storage.cases import CaseRow


def listed(settings: Settings, states: Iterable[CaseState]) -> list[CaseRow]:
    """Return the cases in these states, the most urgent first; without a state all that are open."""
    with open_stores(settings.cassandra) as stores:
        return cases.listed(stores.entities, states, wall_ms())


def told(settings: Settings, name: str) -> list[Told]:
    """Return one case by its id, or all of an entity."""
    with open_stores(settings.cassandra) as stores:
        return cases.told(stores.entities, stores.scores, name)


def open_case(settings: Settings, entity: str, *, who: str, why: str, wait_s: float) -> AuditEntry:
    """Open a case of an entity and return what became of it."""
    with open_office(settings) as office:
        wish = Wish(action="open", entity=entity, case_id=f"case-{uuid4().hex}", who=who, why=why)
        return cases.operate(office.desk, wish, wait_s)


def take_next(settings: Settings, *, who: str, wait_s: float) -> AuditEntry:
    """Give the most urgent case that nobody works to an investigator."""
    with open_office(settings) as office:
        return cases.take_next(office.desk, who, wait_s)


def operate(
    settings: Settings,
    name: str,
    action: CaseAction,
    *,
    who: str,
    why: str,
    wait_s: float,
    assignee: str | None = None,
    due_at: int | None = None,
    due_in_ms: int | None = None,
    outcome: CaseOutcome | None = None,
) -> AuditEntry:
    """Do something with the case of this name, or the latest one of this entity, and return what became of it.

    Parameters
    ----------
    due_at, due_in_ms
        For `set_due`: milliseconds since the epoch, or from now.
    """
    with open_office(settings) as office:
        case = cases.chosen(office.stores.entities, name)
        wish = Wish(
            action=action,
            entity=case.entity,
            case_id=case.case_id,
            who=who,
            why=why,
            assignee=assignee,
            due_at=due_at if due_in_ms is None else wall_ms() + due_in_ms,
            outcome=outcome,
        )
        return cases.operate(office.desk, wish, wait_s)
