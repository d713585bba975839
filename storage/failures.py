"""What the driver's errors mean for the caller: try later, or stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cassandra import (
    AuthenticationFailed,
    DriverException,
    OperationTimedOut,
    RequestExecutionException,
    RequestValidationException,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import ErrorMessage
from cassandra.protocol import RequestValidationException as ValidationMessage

from storage.errors import RetryLaterError, StopProcessError, StorageError

_FINAL: Final = (RequestValidationException, ValidationMessage, AuthenticationFailed)
_PASSING: Final = (
    NoHostAvailable,
    OperationTimedOut,
    RequestExecutionException,
    ConnectionException,
    ErrorMessage,
    DriverException,
)


def storage_error(error: BaseException, doing: str) -> StorageError | None:
    """Return what an error of the driver means, or None when it is not one of the driver's."""
    if any(isinstance(reason, _FINAL) for reason in _reasons(error)):
        return StopProcessError(f"{doing}: Cassandra refuses it: {_text(error)}")
    if isinstance(error, _PASSING):
        return RetryLaterError(f"{doing}: Cassandra did not confirm it: {_text(error)}")
    return None


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Raise the driver's errors as storage's own, with what was being done."""
    try:
        yield
    except Exception as error:
        meaning = storage_error(error, doing)
        if meaning is None:
            raise
        raise meaning from error


def _reasons(error: BaseException) -> list[Any]:
    """Return why each node failed; where there was none to ask, the driver gives a list of addresses."""
    if isinstance(error, NoHostAvailable) and isinstance(error.errors, dict):
        return list(error.errors.values())
    return [error]


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
