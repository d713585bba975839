"""Requests under way: many at once, bounded, with back-pressure on whoever makes them."""

from collections.abc import Iterable
from threading import Semaphore
from typing import Any

from cassandra.cluster import Session

from storage.failures import storage_error


def execute_all(session: Session, statements: Iterable[Any], *, most: int, doing: str) -> None:
    """Execute statements with at most `most` under way; return when all were answered.

    After the first failure no further one is sent; it is raised when those under way are answered.

    Raises
    ------
    RetryLaterError, StopProcessError
        What the first failure means.
    """
    free = Semaphore(most)
    failures: list[BaseException] = []

    def failed(error: BaseException) -> None:
        failures.append(error)
        free.release()

    for statement in statements:
        free.acquire()
        if failures:
            free.release()
            break
        session.execute_async(statement).add_callbacks(lambda _: free.release(), failed)
    for _ in range(most):
        free.acquire()
    if failures:
        raise storage_error(failures[0], doing) or failures[0] from failures[0]
