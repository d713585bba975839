"""Requests under way: many at once, bounded, with back-pressure on whoever makes them."""

from collections.abc import Iterable, Sequence
from threading import Semaphore
from typing import Any

from cassandra.cluster import Session
from cassandra.concurrent import execute_concurrent

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


def answers(session: Session, requests: Sequence[tuple[Any, Any]], *, most: int) -> list[Any]:
    """Execute statements with their values, at most `most` under way; return the answer or the error of each.

    One request is made without the machinery of many: it is an alert that waits for nobody.
    """
    if len(requests) == 1:
        return [_answer(session, *requests[0])]
    found = execute_concurrent(session, requests, concurrency=most, raise_on_first_error=False)
    return [answer for _, answer in found]


def _answer(session: Session, statement: Any, values: Any) -> Any:
    try:
        return session.execute(statement, values)
    except Exception as error:  # noqa: BLE001 - the caller judges it
        return error
