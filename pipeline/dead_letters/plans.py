"""A fix that was tried and shown, kept in a file: what is sent later is what was seen."""

from hashlib import blake2b
from pathlib import Path

import msgspec

from pipeline.dead_letters.recipe import Recipe
from pipeline.errors import RefuseUsageError


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fix and the letters that it makes acceptable."""

    recipe: Recipe
    letters: tuple[str, ...]


def keep(folder: Path, plan: Plan) -> str:
    """Write a plan and return its name, the same for the same plan."""
    text = msgspec.json.encode(plan)
    name = f"fix-{blake2b(text, digest_size=4).hexdigest()}"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.part"
    partial.write_bytes(text)
    partial.replace(folder / f"{name}.json")
    return name


def load(folder: Path, name: str) -> Plan:
    """Return a plan by its name.

    Raises
    ------
    RefuseUsageError
        When there is none, or its file is damaged.
    """
    path = folder / f"{name}.json"
    if path.parent != folder or not path.is_file():
        raise RefuseUsageError(f"there is no fix {name}: `fastdata dead-letters fix` tries one and names it")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except msgspec.DecodeError as error:
        raise RefuseUsageError(f"{path} is damaged ({error}): try the fix again") from error
