"""The policies that the settings name."""

from pathlib import Path

from models.errors import RefuseSpecError
from models.policies.policies import BUILT_IN, Policies, parse
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings


def policies_of(settings: Settings) -> Policies:
    """Return the policies of the file that the settings name, or the built-in ones.

    Raises
    ------
    RefuseUsageError
        The file can't be read, or says something that is no policy.
    """
    return checked(file_of(settings))


def file_of(settings: Settings) -> Path:
    """Return the file of the policies in force."""
    return settings.policies or BUILT_IN


def checked(path: Path) -> Policies:
    """Return the policies of a file.

    Raises
    ------
    RefuseUsageError
        The file can't be read, or says something that is no policy.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, RefuseSpecError) as error:
        raise RefuseUsageError(f"the policies can't be used: {error}") from error
