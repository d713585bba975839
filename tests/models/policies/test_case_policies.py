from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import RefuseSpecError
from models.policies.cases import CasePolicies
from models.policies.policies import BUILT_IN, parse

DAY_MS = 86_400_000


def test_a_model_follows_its_own_table_over_that_of_default() -> None:
    policies = CasePolicies.model_validate(
        {"default": {"due_after": "2h", "evidence": 7}, "fraud": {"opens_at": "high", "evidence": 9}}
    )
    fraud, other = policies.of("fraud"), policies.of("another")
    assert (fraud.opens_at, fraud.due_after, fraud.evidence) == ("high", 7_200_000, 9)
    assert (other.opens_at, other.due_after, other.evidence) == (None, 7_200_000, 7)


def test_without_tables_only_investigators_open_cases() -> None:
    policy = CasePolicies.model_validate({}).of("fraud")
    assert (policy.opens_at, policy.due_after) == (None, 3 * DAY_MS)


@pytest.mark.parametrize(
    "table",
    [
        {"opens_at": "awful"},
        {"due_after": "0s"},
        {"due_after": 5},
        {"evidence": 0},
        {"evidence": 501},
        {"opens": "high"},
        "high",
    ],
)
def test_what_a_table_can_not_mean_is_refused(table: Any) -> None:
    with pytest.raises(ValidationError):
        CasePolicies.model_validate({"fraud": table})


def test_a_file_says_when_cases_open() -> None:
    assert parse('[cases.fraud]\nopens_at = "critical"', "here").cases.of("fraud").opens_at == "critical"
    with pytest.raises(RefuseSpecError, match="here: "):
        parse('[cases.fraud]\nopens_at = "never"', "here")
    built_in = parse(BUILT_IN.read_text(encoding="utf-8"), "built-in").cases
    assert built_in.of("fraud").opens_at == "high"
