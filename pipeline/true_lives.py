"""True remaining lives of test machines: one number a line in the machines' order, or a JSON object by machine."""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pipeline.errors import RefuseUsageError


def read_true_lives(path: Path, machines: Sequence[str]) -> dict[str, float]:
    """Return the hours that each machine had left after its last reading.

    Parameters
    ----------
    machines
        In the order of their first reading: the order of the lines.

    Raises
    ------
    RefuseUsageError
        When the file can't be read, a life is no number of hours, or there is not one for each machine.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefuseUsageError(f"can't read the true lives {path}: {error}") from error
    found = _by_machine(path, text) if path.suffix == ".json" else _by_line(path, text, machines)
    for machine, hours in found.items():
        if not 0 <= hours < math.inf:
            raise RefuseUsageError(f"{path}: {machine} had {hours:g} h left, which is no life")
    if missing := [machine for machine in machines if machine not in found]:
        raise RefuseUsageError(f"{path} has no life of {', '.join(missing[:5])}")
    return {machine: found[machine] for machine in machines}


def _by_machine(path: Path, text: str) -> dict[str, float]:
    try:
        return msgspec.json.decode(text, type=dict[str, float])
    except msgspec.DecodeError as error:
        raise RefuseUsageError(f"{path} is no JSON object of hours by machine: {error}") from error


def _by_line(path: Path, text: str, machines: Sequence[str]) -> dict[str, float]:
    try:
        hours = [float(line) for line in text.split("\n") if line.strip()]
    except ValueError as error:
        raise RefuseUsageError(f"{path} has a line that is no number of hours: {error}") from error
    if len(hours) != len(machines):
        raise RefuseUsageError(
            f"{path} has {len(hours)} lives, the test data {len(machines)} machines: one line for each"
        )
    return dict(zip(machines, hours, strict=True))
