"""Every error leaves as one line, with the exit status that its name stands for."""

import pytest

from actors.errors import RefuseLedgerError, StopProcessError
from infra.errors import GiveUpStartError, RefuseStateError
from ingest.errors import RefuseInputError, RetryLaterError
from models.errors import RefuseSpecError
from pipeline import failures
from pipeline.errors import FailCheckError, RefuseUsageError, ServerAwayError
from processing.errors import RefuseTrainingError, StopQueryError
from storage.errors import RefuseMigrationError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FailCheckError("x"), 1),
        (StopProcessError("x"), 1),
        (StopQueryError("x"), 1),
        (RefuseUsageError("x"), 2),
        (RefuseInputError("x"), 2),
        (RefuseLedgerError("x"), 2),
        (RefuseStateError("x"), 2),
        (RefuseSpecError("x"), 2),
        (RefuseTrainingError("x"), 2),
        (RefuseMigrationError("x"), 2),
        (RetryLaterError("x"), 3),
        (GiveUpStartError("x"), 3),
        (ServerAwayError("x"), 3),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_the_name_of_an_error_gives_its_exit_status(error: Exception, status: int) -> None:
    assert failures.exit_status(error) == status


def test_a_failure_is_one_line_and_a_bug_says_so() -> None:
    assert failures.one_line(RefuseInputError("first\n  second")) == "fastdata: first second"
    assert failures.one_line(KeyError("k")).startswith("fastdata: internal error: KeyError: 'k'")
