"""The command group: every failure leaves as one clear line and an exit status, never as a traceback."""

from typing import Any

import typer
from typer.core import TyperGroup

from pipeline import failures
from pipeline.cli.given import Given


class CommandGroup(TyperGroup):
    """Maps errors at the one place where all commands pass."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with `--debug` a failure shows its traceback."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            given = ctx.find_object(Given)
            if _is_for_typer(error) or (given is not None and given.debug):
                raise
            typer.echo(failures.one_line(error), err=True)
            raise typer.Exit(failures.exit_status(error)) from error


def _is_for_typer(error: Exception) -> bool:
    """Whether typer itself raised it, to end or to refuse an option; or nobody reads the output any more."""
    return isinstance(error, BrokenPipeError) or type(error).__module__.partition(".")[0] == "typer"
