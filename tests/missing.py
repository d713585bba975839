"""What a test does without a server that it needs."""

import os

import pytest


def missing(reason: str) -> None:
    """Skip for want of a server; in CI nothing may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
