"""Card numbers become tokens here, by a keyed hash, before anything of them reaches a topic."""

import os
import secrets
import stat
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from ingest.errors import RefuseInputError

KEY_BYTES: Final = 32
_TOKEN_BYTES: Final = 12
_REMEMBERED: Final = 65_536
_ONLY_OWNER: Final = stat.S_IRUSR | stat.S_IWUSR


class Tokenizer:
    """Turns card numbers into tokens: the same number gives the same token under the same key.

    Parameters
    ----------
    key
        The secret, `KEY_BYTES` long; without it a token can't be traced back by trying all numbers.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise RefuseInputError(f"a token key has {KEY_BYTES} bytes, this one {len(key)}")
        self._key = key
        self.token = lru_cache(_REMEMBERED)(self._token)

    @property
    def fingerprint(self) -> str:
        """A short digest that tells two keys apart without giving either away."""
        return self.token("")

    def _token(self, card_number: str) -> str:
        digest = blake2b(card_number.encode(), digest_size=_TOKEN_BYTES, key=self._key)
        return "tok_" + digest.hexdigest()


def load_or_create_key(path: Path) -> bytes:
    """Read the token key, or make one on the first call.

    Parameters
    ----------
    path
        Where the key lies; only its owner may read it (mode 0600).

    Raises
    ------
    RefuseInputError
        When others can read the file, or it is not a key.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
    except FileExistsError:
        return _load(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return load_or_create_key(path)
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(KEY_BYTES)
        file.write(key.hex().encode() + b"\n")
    return key


def _load(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~_ONLY_OWNER:
        raise RefuseInputError(
            f"the token key {path} has mode {mode:04o}, others may read it: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError as error:
        raise RefuseInputError(f"{path} is not a token key: {KEY_BYTES} bytes in hex are expected") from error
    if len(key) != KEY_BYTES:
        raise RefuseInputError(f"{path} holds {len(key)} bytes, a token key has {KEY_BYTES}")
    return key
