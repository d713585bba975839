"""Changes of the schema that every node has: the next statement may reach another node than the last one did."""

from collections.abc import Callable
from typing import Final

from cassandra.cluster import Session

from storage.errors import RetryLaterError

WITHIN_S: Final = 45.0
"""How long nodes may take to agree on one change, in seconds; less than the lease of the migrations' lock."""


def change(session: Session, statement: str, *, within_s: float = WITHIN_S) -> None:
    """Change the schema, and wait until all nodes that are up have agreed on it.

    Raises
    ------
    RetryLaterError
        When they take longer than `within_s` seconds.
    """
    result = session.execute(statement, timeout=within_s)
    control = session.cluster.control_connection
    insist_agreed(
        lambda seconds: control.wait_for_schema_agreement(wait_time=seconds),
        agreed=result.response_future.is_schema_agreed,
        within_s=within_s,
        statement=statement,
    )


def insist_agreed(
    wait: Callable[[float], bool | None], *, agreed: bool, within_s: float, statement: str
) -> None:
    """Wait longer where the driver has stopped waiting: it goes on without agreement after ten seconds.

    Parameters
    ----------
    wait
        Waits so many seconds; returns whether the nodes agree then, None when the session was closed.
    agreed
        What the driver says.
    """
    if agreed or wait(within_s):
        return
    raise RetryLaterError(
        f"the nodes did not agree on the schema within {within_s:.0f} s of {' '.join(statement.split()[:5])}: see that "
        "all of them are up (`nodetool describecluster` names the versions), then migrate again"
    )
