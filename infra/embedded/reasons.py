"""Find the sentence in a server's log that says why it did not start. Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from infra.errors import GiveUpStartError, PortTakenError


class Reason(NamedTuple):
    """Why a server did not start, and the error to raise for it."""

    text: str
    error: type[GiveUpStartError] = GiveUpStartError


_PORT_TAKEN = re.compile(r"Address already in use|is in use by another process|Failed to bind port")
_ADDRESS = re.compile(r"(127\.0\.0\.\d+:\d+)")
_OUT_OF_MEMORY = re.compile(r"OutOfMemoryError: (.+)")
_NO_VM = re.compile(
    r"^(Error: .+|Error occurred during initialization of VM|Unrecognized \S*option.+|Invalid .*heap size.*)$",
    re.MULTILINE,
)
_EXCEPTION = re.compile(
    r"^(?:Caused by: |Exception in thread \"[^\"]*\" )?(?:[\w$]+\.)+[\w$]*(?:Exception|Error): (.+)$"
)
_LEVEL = re.compile(r"\b(?:ERROR|FATAL)\b\s+(.+)")
_CLASS_TAIL = re.compile(r"\s+\([\w.$ ]+\)$")
_CLASS_HEAD = re.compile(r"^(?:[\w$]+\.)+[\w$]*(?:Exception|Error): ")


def find(text: str) -> Reason:
    """Extract the reason from everything a server wrote since it was started."""
    lines = text.splitlines()
    if _PORT_TAKEN.search(text):
        return Reason(f"its port is taken by another process{_where(lines)}", PortTakenError)
    if memory := _OUT_OF_MEMORY.search(text):
        return Reason(f"it ran out of memory ({memory[1].strip()}): give it a larger heap")
    if vm := _NO_VM.search(text):
        return Reason(f"Java did not start: {_with_next_line(vm[0], lines)}")
    return Reason(_last_cause(lines) or _first_error(lines) or "it ended without a word")


def _where(lines: Iterable[str]) -> str:
    for line in lines:
        if _PORT_TAKEN.search(line) and (address := _ADDRESS.search(line)):
            return f" ({address[1]})"
    return ""


def _with_next_line(found: str, lines: list[str]) -> str:
    following = lines[lines.index(found) + 1 : lines.index(found) + 2]
    return ": ".join([found.rstrip(":"), *following])


def _last_cause(lines: Iterable[str]) -> str:
    causes = [match[1] for match in map(_EXCEPTION.match, lines) if match]
    return _plain(causes[-1]) if causes else ""


def _first_error(lines: Iterable[str]) -> str:
    errors = (match[1] for match in map(_LEVEL.search, lines) if match)
    return _plain(next(errors, ""))


def _plain(message: str) -> str:
    plain = _CLASS_HEAD.sub("", _CLASS_TAIL.sub("", message.strip()))
    return plain.removeprefix("Exception encountered during startup: ").rstrip(".")
