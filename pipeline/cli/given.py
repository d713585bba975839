"""What stands before a command: configuration file, flags, namespace; and the settings they lead to."""

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.settings_sources import Origin


@dataclass(frozen=True)
class Given:
    """The options before the command.

    Attributes
    ----------
    config
        The file asked for.
    flags
        `name=value` of each `--set` and of `--namespace`.
    debug
        Whether a failure shows its traceback.
    """

    config: str | None
    flags: tuple[str, ...]
    debug: bool

    def origin(self, *more: str) -> "Origin":
        """Return where settings come from, with further flags from the command itself."""
        from pathlib import Path  # noqa: PLC0415 - only what runs is loaded

        from pipeline.settings_sources import Origin  # noqa: PLC0415 - only what runs is loaded

        return Origin(Path(self.config) if self.config else None, (*self.flags, *more))


def given_of(context: typer.Context) -> Given:
    """Return the options before the command."""
    found = context.find_object(Given)
    assert found is not None
    return found


def settings_of(context: typer.Context, *flags: str, any_release: bool = False) -> "Settings":
    """Load the settings and configure the console's log.

    Where another release of the application serves this namespace, that one goes on with the command, unless
    `any_release` may do it.
    """
    from pipeline import logs  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.configuration import load_settings  # noqa: PLC0415 - only what runs is loaded
    from pipeline.releases import redirect  # noqa: PLC0415 - only what runs is loaded

    settings = load_settings(given_of(context).origin(*flags), os.environ)
    if not any_release:
        redirect.follow(settings.run_dir)
    logs.configure("debug" if given_of(context).debug else "warning", json_lines=False)
    return settings


def say(line: str) -> None:
    """Print one line of progress on standard error; results alone go to standard output."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
