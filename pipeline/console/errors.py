"""Errors of the consoles, named for what they do next."""

from http import HTTPStatus

from pipeline.errors import RefuseUsageError


class RefuseRequestError(RefuseUsageError):
    """A request can't be met: answer with this status, and what the caller should do.

    Parameters
    ----------
    what
        What is wrong, as a sentence.
    todo
        What to do next.
    """

    def __init__(self, status: HTTPStatus, what: str, todo: str) -> None:
        super().__init__(f"{what}: {todo}")
        self.status = status
        self.what = what
        self.todo = todo
