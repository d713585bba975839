"""What the driver's errors mean for the caller: try later, or stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cassandra import (
    AuthenticationFailed,
    DriverException,
    InvalidRequest,
    OperationTimedOut,
    RequestExecutionException,
    Unauthorized,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import ErrorMessage

from storage.errors import RetryLaterError, StopProcessError, StorageError

_FINAL: Final = (InvalidRequest, Unauthorized, AuthenticationFailed)
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
    reasons = list(error.errors.values()) if isinstance(error, NoHostAvailable) else [error]
    if any(isinstance(reason, _FINAL) for reason in reasons):
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


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
