"""What lists and the audit show of a batch of changes: rows of several kinds, recorded together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.cases import Evidence
from models.operations import AuditEntry
from storage.alarms import AlarmRow
from storage.cases import CaseRow
from storage.orders import OrderRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Rows to record; recording them again changes nothing, and an older version overwrites nothing.

    Attributes
    ----------
    evidence
        By the id of the case that it joins.
    """

    alarms: Sequence[AlarmRow] = ()
    orders: Sequence[OrderRow] = ()
    cases: Sequence[CaseRow] = ()
    evidence: Mapping[str, Sequence[Evidence]] = field(default_factory=dict)
    audit: Sequence[AuditEntry] = ()
