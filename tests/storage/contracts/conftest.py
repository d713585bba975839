"""Contracts are of tables that are there: their tests share a keyspace."""

import pytest


@pytest.fixture
def keyspace(emptied_keyspace: str) -> str:
    """Give the keyspace of a test."""
    return emptied_keyspace
