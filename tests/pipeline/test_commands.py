"""What operators see of commands and do with them, on a whole pipeline in memory."""

from typing import Any, get_args

import pytest

from models.actions import CommandKind, CommandStatus
from models.operations import ALL_COMMANDS, AuditEntry, CommandAction
from models.policies.policies import BUILT_IN, parse
from pipeline import commands
from pipeline.asking import Desk
from pipeline.cli.commands import view
from pipeline.cli.commands.listing import StatusName
from pipeline.cli.commands.sending import KindName
from pipeline.commands import Wish
from pipeline.errors import RefuseUsageError
from pipeline.policies import summary

Pipeline = Any  # tests/pipeline/conftest.py: SmallPipeline


@pytest.fixture
def busy(pipeline: Pipeline) -> Pipeline:
    pipeline.transactions(20)
    pipeline.run()
    return pipeline


@pytest.fixture
def desk(busy: Pipeline) -> Desk:
    return Desk(
        store=busy.entities,
        producer=busy.producer,
        actors=lambda: 1,
        clock=busy.clock,
        new_id=lambda: f"o{len(busy.records('operations'))}-{busy.clock()}",
        pause=busy.settle,
    )


def act(desk: Desk, action: CommandAction, name: str) -> AuditEntry:
    row = commands.chosen(desk.store, name, ("succeeded",))
    wish = Wish(action=action, entity=row.entity, command_id=row.command_id, who="ann", why="seen")
    return commands.operate(desk, wish, wait_s=5)


def test_commands_are_listed_shown_and_undone_once(busy: Pipeline, desk: Desk) -> None:
    rows = commands.listed(desk.store, ("succeeded", "refused"))
    assert {row.command_id for row in rows} == {command.command_id for command in busy.commands()}
    done = next(row for row in rows if row.status == "succeeded")
    entry = act(desk, "revert", done.entity)
    assert (entry.verdict, entry.before) == ("applied", "succeeded")
    (told,) = [
        each
        for each in commands.told(desk.store, done.entity)
        if each.row == desk.store.order(done.command_id)
    ]
    assert told.order.reverted_by in {command.command_id for command in busy.commands()}
    assert [deed.operation.action for deed in told.audit] == ["revert"]
    assert any(
        f"undone by {told.order.reverted_by}" in line or "issued by" in line for line in view.story(told)
    )
    assert "undoes it already" in act(desk, "revert", done.command_id).reason


def test_a_stop_is_audited_and_holds_what_comes_until_it_is_over(busy: Pipeline, desk: Desk) -> None:
    entry = commands.stop_all(desk, who="ann", why="smoke")
    assert (entry.before, entry.after, entry.operation.target) == ("running", "stopped", ALL_COMMANDS)
    assert view.outcome(entry) == "all commands: running -> stopped"
    assert desk.store.command_stop().stopped
    assert "by ann: smoke" in view.stopped(desk.store.command_stop())
    commands.resume(desk, who="bob", why="clear")
    assert not desk.store.command_stop().stopped
    assert [e.operation.who for e in desk.store.audit_of_entity(ALL_COMMANDS)] == ["bob", "ann"]


def test_a_stop_needs_a_reason_and_a_name(desk: Desk) -> None:
    with pytest.raises(RefuseUsageError, match="say why"):
        commands.stop_all(desk, who="ann", why=" ")
    with pytest.raises(RefuseUsageError, match="nobody is called 'policy'"):
        commands.resume(desk, who="policy", why="clear")
    assert not desk.store.command_stop().stopped


def test_an_unknown_command_is_refused_by_name(desk: Desk) -> None:
    with pytest.raises(RefuseUsageError, match="there is no command nothing"):
        commands.told(desk.store, "nothing")


def test_the_choices_of_the_command_line_are_those_of_the_domain() -> None:
    assert [each.value for each in StatusName] == list(get_args(CommandStatus))
    assert [each.value for each in KindName] == list(get_args(CommandKind))


def test_policies_are_summed_up_a_line_a_command() -> None:
    lines = list(summary(parse(BUILT_IN.read_text(), "built in")))
    assert lines[0] == "block-fraud: block_card, for fraud from low on, automatic, expires after 1h"
    assert "stop-by-hand: stop_machine, by hand, two people, expires after 1h" in lines
