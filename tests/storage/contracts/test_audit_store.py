"""What every `AuditStore` promises, run on the twin and on Cassandra."""

from typing import Any

import pytest

from models.operations import AlarmOperation, AuditEntry
from storage.audit import AuditStore
from storage.audit_table import CassandraAudit
from storage.memory_audit import MemoryAudit

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> AuditStore:
    if request.param == "memory":
        return MemoryAudit()
    return CassandraAudit(request.getfixturevalue("session"))


def entry(number: int, *, entity: str = "card-1", verdict: Any = "applied", at: int = NOON) -> AuditEntry:
    operation = AlarmOperation(
        operation_id=f"o{number}",
        action="shelve",
        entity=entity,
        condition="fraud",
        alarm_id="alarm-1",
        who="ann",
        why="because 'ä'",
        asked_at=at - 5,
        expires_at=at + 5,
        until=at + 9,
    )
    return AuditEntry(
        operation=operation, verdict=verdict, reason="", decided_at=at, before="shelved", after=None
    )


def test_an_unknown_operation_is_none(store: AuditStore) -> None:
    assert store.audit_of("o1") is None
    assert (store.latest_audit(9), store.audit_of_entity("card-1"), list(store.audited())) == ([], [], [])


def test_an_entry_is_kept_whole_and_once(store: AuditStore) -> None:
    for _ in range(3):
        store.record_audit(entry(1))
    assert store.audit_of("o1") == entry(1)
    assert store.latest_audit(9) == store.audit_of_entity("card-1") == [entry(1)]
    assert list(store.audited()) == [("o1", "card-1", "applied")]


def test_entries_are_listed_newest_first_across_days(store: AuditStore) -> None:
    entries = [entry(i, entity=f"card-{i % 2}", at=NOON + i * DAY_MS // 2) for i in range(5)]
    refused = entry(9, verdict="refused", at=NOON)
    for each in [*entries, refused]:
        store.record_audit(each)
    assert store.latest_audit(3) == [entries[4], entries[3], entries[2]]
    assert store.audit_of_entity("card-0") == [entries[4], entries[2], entries[0]]
    assert store.audit_of_entity("card-1") == [entries[3], entries[1], refused]
    assert {name: verdict for name, _, verdict in store.audited()}["o9"] == "refused"
    assert len(list(store.audited())) == 6
