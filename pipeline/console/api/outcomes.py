"""How the decision of an actor leaves the API: applied changes as their audit entry, refused ones as a conflict."""

from http import HTTPStatus

from models.operations import AuditEntry
from pipeline.console.api.shapes import Entry, entry
from pipeline.console.errors import RefuseRequestError


def applied(decided: AuditEntry) -> Entry:
    """Return the entry of an applied operation.

    Raises
    ------
    RefuseRequestError
        The actor has refused it.
    """
    if decided.verdict == "refused":
        operation = decided.operation
        raise RefuseRequestError(
            HTTPStatus.CONFLICT,
            f"{operation.target} is not changed: {decided.reason}",
            f"look at its state; the refusal is in the audit as {operation.operation_id}",
        )
    return entry(decided)


def missing(what: str, name: str, where: str) -> RefuseRequestError:
    """Return the error for something that is not there."""
    return RefuseRequestError(HTTPStatus.NOT_FOUND, f"there is no {what} {name}", f"`GET {where}` lists them")
