"""Logging: who writes where, how large it may grow, and what must never be written.

A child logs JSON lines to its standard error, which its parent keeps in one size-limited file together with
whatever native code and the JVM print there. Everything else logs to a person's console.
"""

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import IO, Any, Final, Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]

HIDDEN: Final = "[hidden]"
SECRET_WORDS: Final = ("password", "secret", "token_key", "api_key", "credential", "authorization")
LONGEST_LINE: Final = 64 * 1024
"""Where a line of a child is broken, in bytes."""


def configure(level: Level, *, json_lines: bool) -> None:
    """Send structlog and the standard library's logging to standard error, in one format.

    Parameters
    ----------
    json_lines
        True in a child, whose log is read by programs; False on a console.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        hide_secrets,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, json_lines=json_lines))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for noisy in ("py4j", "cassandra", "aiokafka", "faust", "mode"):
        logging.getLogger(noisy).setLevel(_least(threshold, json_lines=json_lines))
    # the driver repeats each server warning about how it is itself used
    logging.getLogger("cassandra.protocol").setLevel(
        max(logging.ERROR, _least(threshold, json_lines=json_lines))
    )


def _least(threshold: int, *, json_lines: bool) -> int:
    """Return from which level foreign libraries are heard: a person is told by our own errors, unless debugging."""
    on_console = logging.WARNING if threshold == logging.DEBUG else logging.CRITICAL
    return logging.WARNING if json_lines else on_console


def _formatter(shared: list[Any], *, json_lines: bool) -> logging.Formatter:
    """Return a formatter whose tracebacks show no local variables: they may hold secrets."""
    if json_lines:
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        last: list[Any] = [
            structlog.processors.ExceptionRenderer(frames),
            structlog.processors.JSONRenderer(),
        ]
    else:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def hide_secrets(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every field that is named like a secret, at any depth."""
    for name, value in fields.items():
        if any(word in name.lower() for word in SECRET_WORDS):
            fields[name] = HIDDEN
        elif isinstance(value, dict):
            fields[name] = hide_secrets(_logger, _method, dict(value))
    return fields


def log_file(path: Path, *, max_bytes: int, kept: int) -> logging.Handler:
    """Return a log that several pumps may write into; old files move to `.1`, `.2`, ...

    Parameters
    ----------
    max_bytes
        Size at which a file is moved aside.
    kept
        How many moved files are kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    log = logging.handlers.RotatingFileHandler(
        path, maxBytes=max_bytes, backupCount=kept, encoding="utf-8", delay=True
    )
    log.setFormatter(logging.Formatter("%(message)s"))
    return log


def pump(stream: IO[bytes], log: logging.Handler) -> None:
    """Copy a child's output into a log until the stream ends; the log's file is closed then, and opened when needed."""
    try:
        while line := stream.readline(LONGEST_LINE):
            text = line.decode("utf-8", "replace").rstrip("\n")
            log.handle(logging.LogRecord("child", logging.INFO, "", 0, "%s", (text,), None))
    finally:
        log.close()


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a log file; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LONGEST_LINE))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
