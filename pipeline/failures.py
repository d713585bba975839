"""How a failure leaves the process: one line for a person and an exit status for programs.

The packages name their errors for what the runtime does next, and the status follows from that name:
0 done; 1 a check failed or the work can't go on; 2 wrong usage, setting or input; 3 a server is away.
"""

from typing import Final

FAILED: Final = 1
REFUSED: Final = 2
AWAY: Final = 3

_STATUS_BY_NAME: Final = {
    "Refuse": REFUSED,
    "Reject": REFUSED,
    "RetryLater": AWAY,
    "ServerAway": AWAY,
    "GiveUp": AWAY,
}
_PACKAGES: Final = frozenset({"actors", "infra", "ingest", "models", "pipeline", "processing", "storage"})


def is_expected(error: BaseException) -> bool:
    """Whether one of the packages raised this error on purpose, with a text for people."""
    package, _, module = type(error).__module__.partition(".")
    return package in _PACKAGES and module.endswith("errors")


def exit_status(error: BaseException) -> int:
    """Return the exit status that says what kind of failure this is."""
    if is_expected(error):
        for start, status in _STATUS_BY_NAME.items():
            if type(error).__name__.startswith(start):
                return status
    return FAILED


def one_line(error: BaseException) -> str:
    """Return the failure as one line."""
    text = " ".join(str(error).split())
    if is_expected(error):
        return f"fastdata: {text}"
    return f"fastdata: internal error: {type(error).__name__}: {text} (--debug shows where)"
