"""Machine registers as files: TOML by class, or CSV with a row for each measurement of each machine; strict."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ingest.errors import RefuseInputError
from ingest.register_rows import machines_of_rows
from models.events import Key
from models.machines import Machine, Measured

KINDS: Final = (".toml", ".csv")

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


class _Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    measurements: dict[Key, Measured]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"machine_class": "class"}):
    machine_class: str
    latitude: float | None = None
    longitude: float | None = None


class _Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    classes: dict[Key, _Class]
    machines: dict[Key, _Entry]


def load_register(path: Path) -> list[Machine]:
    """Read a register: `.toml`, or `.csv` with the columns of `ingest.register_rows.COLUMNS`.

    Raises
    ------
    RefuseInputError
        Naming the file and the key or line that is wrong.
    """
    if path.suffix.lower() not in KINDS:
        raise RefuseInputError(f"{path}: a register is a file of kind {' or '.join(KINDS)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RefuseInputError(f"can't read the register {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RefuseInputError(f"{path} is not UTF-8: {error}") from error
    try:
        machines = machines_of_rows(text) if path.suffix.lower() == ".csv" else _of_toml(text)
    except ValueError as error:
        raise RefuseInputError(f"{path} is refused: {error}") from error
    if not machines:
        raise RefuseInputError(f"{path} names no machine")
    return machines


def dump_toml(machines: Sequence[Machine]) -> str:
    """Return a register as TOML; machines of a class must have the same measurements."""
    classes = {machine.machine_class: machine.measurements for machine in machines}
    lines = []
    for name, measurements in classes.items():
        lines.append(f"[classes.{_key(name)}.measurements]")
        lines += [f"{_key(each)} = {_inline(_measured(m))}" for each, m in measurements.items()]
        lines.append("")
    lines.append("[machines]")
    lines += [f"{_key(machine.machine)} = {_inline(_entry(machine))}" for machine in machines]
    return "\n".join(lines) + "\n"


def _of_toml(text: str) -> list[Machine]:
    try:
        register = msgspec.convert(tomllib.loads(text), _Register)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML: {error}") from error
    return [_machine(name, entry, register) for name, entry in register.machines.items()]


def _machine(name: str, entry: _Entry, register: _Register) -> Machine:
    known = register.classes.get(entry.machine_class)
    if known is None:
        raise ValueError(
            f"machines.{name}: there is no class {entry.machine_class!r}; there are {', '.join(register.classes)}"
        )
    fields = {
        "machine": name,
        "machine_class": entry.machine_class,
        "measurements": msgspec.to_builtins(known.measurements),
        "latitude": entry.latitude,
        "longitude": entry.longitude,
    }
    try:
        return msgspec.convert(fields, Machine)
    except msgspec.ValidationError as error:
        raise ValueError(f"machines.{name}: {error}") from error


def _measured(measured: Measured) -> dict[str, Any]:
    return {"unit": measured.unit, "low": measured.low, "high": measured.high}


def _entry(machine: Machine) -> dict[str, Any]:
    place = {} if machine.moves else {"latitude": machine.latitude, "longitude": machine.longitude}
    return {"class": machine.machine_class, **place}


def _inline(table: dict[str, Any]) -> str:
    return f"{{ {', '.join(f'{key} = {_value(value)}' for key, value in table.items())} }}"


def _value(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
