"""The pages keep to what there is: their policies are accepted, and their commands and options exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from models.policies.policies import parse
from pipeline.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


class Block(NamedTuple):
    """A piece of a page."""

    page: str
    text: str


def blocks(language: str) -> Iterator[Block]:
    for page in PAGES:
        for text in re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            yield Block(page.name, text)


def lines() -> list[Block]:
    return [
        Block(block.page, line.removeprefix("$ fastdata "))
        for block in blocks("console")
        for line in block.text.splitlines()
        if line.startswith("$ fastdata ")
    ]


@pytest.mark.parametrize("page", ["operating.md", "cases.md"])
def test_the_policies_on_a_page_are_accepted(page: str) -> None:
    shown = [block.text for block in blocks("toml") if block.page == page]
    assert shown
    parse("\n".join(shown), page)


@pytest.mark.parametrize("line", lines(), ids=lambda line: f"{line.page}: {line.text}")
def test_a_command_on_a_page_exists_with_its_options(line: Block) -> None:
    command = typer.main.get_command(app)
    context = typer.Context(command)
    words = shlex.split(line.text)
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if word.startswith("--"):
            assert word in options(command, context), f"{word} is no option before a command"
            words.pop(0)
            continue
        command = command.commands[word]
    known = options(command, context)
    assert [word for word in words if word.startswith("--") and word not in known] == []


def options(command: object, context: typer.Context) -> set[str]:
    return {name for parameter in command.get_params(context) for name in parameter.opts}  # type: ignore[attr-defined]  # click's own base class is not exported by typer


def test_an_option_that_no_command_has_would_be_found() -> None:
    assert CliRunner().invoke(app, ["alarms", "list", "--colour", "red"]).exit_code == 2
    with pytest.raises(AssertionError):
        test_a_command_on_a_page_exists_with_its_options(Block("here", "alarms list --colour red"))
