"""The real places behind `fastdata commands`."""

from collections.abc import Iterable
from uuid import uuid4

from models.actions import CommandKind, CommandStatus
from models.operations import AuditEntry, CommandAction
from pipeline import commands
from pipeline.bootstrap.desks import open_office
from pipeline.bootstrap.stores import open_stores
from pipeline.commands import Told, Wish
from pipeline.settings import Settings
from storage.orders import OrderRow
from storage.permits import Stop


def listed(settings: Settings, statuses: Iterable[CommandStatus]) -> tuple[list[OrderRow], Stop]:
    """Return the commands in these states, newest first, and whether all are stopped."""
    with open_stores(settings.cassandra) as stores:
        return commands.listed(stores.entities, statuses), stores.entities.command_stop()


def told(settings: Settings, name: str) -> list[Told]:
    """Return one command by its id, or all of an entity."""
    with open_stores(settings.cassandra) as stores:
        return commands.told(stores.entities, name)


def send(
    settings: Settings,
    entity: str,
    kind: CommandKind,
    *,
    who: str,
    why: str,
    wait_s: float,
    alarm_id: str | None = None,
) -> AuditEntry:
    """Send a new command to an entity and return what became of it."""
    with open_office(settings) as office:
        wish = Wish(
            action="send",
            entity=entity,
            command_id=f"command-{uuid4().hex}",
            who=who,
            why=why,
            kind=kind,
            alarm_id=alarm_id,
        )
        return commands.operate(office.desk, wish, wait_s)


def operate(
    settings: Settings,
    name: str,
    action: CommandAction,
    *,
    who: str,
    why: str,
    wait_s: float,
    fits: Iterable[CommandStatus],
) -> AuditEntry:
    """Do something with the command of this name and return what became of it.

    Parameters
    ----------
    fits
        The states that tell which command of an entity is meant.
    """
    with open_office(settings) as office:
        row = commands.chosen(office.stores.entities, name, fits)
        wish = Wish(action=action, entity=row.entity, command_id=row.command_id, who=who, why=why)
        return commands.operate(office.desk, wish, wait_s)


def stop_all(settings: Settings, *, who: str, why: str) -> AuditEntry:
    """Stop all commands."""
    with open_office(settings) as office:
        return commands.stop_all(office.desk, who=who, why=why)


def resume(settings: Settings, *, who: str, why: str) -> AuditEntry:
    """Let commands go again."""
    with open_office(settings) as office:
        return commands.resume(office.desk, who=who, why=why)
