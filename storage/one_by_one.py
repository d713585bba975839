"""What an entity store does to many, done one by one: for stores that gain nothing from more, and for tests."""

from collections.abc import Sequence
from typing import Any

from storage.entities import Save, Snapshot
from storage.errors import StaleWriteError
from storage.listing import Listing


class OneByOne:
    """The operations on many of a class that has those on one."""

    load: Any
    save: Any
    record_alarm: Any
    record_order: Any
    record_case: Any
    record_evidence: Any
    record_audit: Any

    def load_all(self, entities: Sequence[str], *, settled: bool = True) -> list[Snapshot]:
        """Load one after the other."""
        return [self.load(entity, settled=settled) for entity in entities]

    def save_all(self, saves: Sequence[Save]) -> list[int | StaleWriteError]:
        """Save one after the other."""
        return [self._saved(save) for save in saves]

    def record(self, listing: Listing) -> None:
        """Record row after row."""
        for alarm in listing.alarms:
            self.record_alarm(alarm)
        for order in listing.orders:
            self.record_order(order)
        for case_id, pieces in listing.evidence.items():
            self.record_evidence(case_id, pieces)
        for case in listing.cases:
            self.record_case(case)
        for entry in listing.audit:
            self.record_audit(entry)

    def _saved(self, save: Save) -> int | StaleWriteError:
        try:
            version: int = self.save(save.entity, save.expected_version, save.change)
        except StaleWriteError as stale:
            return stale
        return version
