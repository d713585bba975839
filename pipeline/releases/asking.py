"""Asking another release: its own interpreter runs `pipeline.releases` with the settings of this command."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pipeline.errors import RefuseUsageError, StopProcessError
from pipeline.releases.description import Description
from pipeline.releases.standing import Release


@dataclass(frozen=True)
class Other:
    """A release that can be asked.

    Attributes
    ----------
    environment
        With the settings of this command in it.
    report
        Takes the lines that it says meanwhile.
    """

    python: str
    environment: Mapping[str, str]
    report: Callable[[str], None]

    def describe(self) -> Description:
        """Return what it says of itself.

        Raises
        ------
        RefuseUsageError
            When it refuses this namespace's settings, can't be started, or is from before there were descriptions.
        """
        try:
            return msgspec.json.decode(self._asked("describe"), type=Description)
        except (StopProcessError, msgspec.DecodeError) as error:
            raise RefuseUsageError(f"{self.python} can't serve here: {error}") from error

    def migrate(self, *, contract: bool = False) -> dict[str, Any]:
        """Let it bring topics and tables to what it needs; return what was done."""
        flags = ("--contract",) if contract else ()
        return dict(msgspec.json.decode(self._asked("migrate", *flags), type=dict[str, list[str]]))

    def warm(self, model: str) -> None:
        """Let it build the state that it needs for a model."""
        self._asked("warm", model)

    def _asked(self, *question: str) -> bytes:
        said = ""
        with tempfile.TemporaryFile() as answer:  # a pipe would be full before all is said
            try:
                process = subprocess.Popen(
                    [self.python, "-P", "-m", "pipeline.releases", *question],
                    env={**self.environment, "PYTHONSAFEPATH": "1"},
                    stdout=answer,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                raise StopProcessError(str(error)) from error
            with process:
                assert process.stderr is not None
                for line in process.stderr:
                    said = line.decode(errors="replace").strip() or said
                    self.report(said)
            answer.seek(0)
            found = answer.read()
        if process.returncode:
            raise StopProcessError(said or f"it ended with status {process.returncode}")
        return found


def other(release: Release, environment: Mapping[str, str], report: Callable[[str], None]) -> Other:
    """Return a way to ask a release."""
    return Other(release.python, environment, report)
