"""Secrets of bridges: given in the settings or kept in a file, read once."""

from pathlib import Path

from pydantic import SecretStr

from actors.errors import RefuseSecretError


def secret(given: SecretStr | None, file: Path | None, what: str) -> str | None:
    """Return the secret, or None when there is none.

    Raises
    ------
    RefuseSecretError
        The file can't be read or is empty.
    """
    if given is not None:
        return given.get_secret_value()
    if file is None:
        return None
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RefuseSecretError(f"{what} can't be read from {file}: {error}") from error
    if not text:
        raise RefuseSecretError(f"{what}: {file} is empty")
    return text
