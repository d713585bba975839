"""The channel `local`: each message as one line of a JSON-lines file, and as one line of the log."""

import os
from pathlib import Path

import msgspec
import structlog

from actors.notifier.channels import Send
from actors.notifier.errors import RetryChannelError
from actors.notifier.messages import Message

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


def local(path: Path) -> Send:
    """Return the channel that writes to a file; a message is on the disk when it returns."""

    def send(message: Message) -> None:
        try:
            _append(path, _encode(message) + b"\n")
        except OSError as error:
            raise RetryChannelError(f"{path} can't be written: {error.strerror}") from error
        _log.info("notification", title=message.title, severity=message.severity, route=message.route)

    return send


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
