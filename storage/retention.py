"""How long tables keep rows: the settings, carried over to the tables."""

from typing import Any, Final

from cassandra.cluster import Session

from storage.agreement import change
from storage.settings import Retention

_DAY_S: Final = 86_400
_MOST_WINDOWS: Final = 30
_READ: Final = "SELECT default_time_to_live, compaction FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s"


def window_days(days: int) -> int:
    """Return the compaction window in days that keeps a table's life within some 30 windows."""
    return -(-days // _MOST_WINDOWS)


def align(session: Session, keyspace: str, retention: Retention) -> list[str]:
    """Give the time-series tables the lives that the settings name; return the tables that changed."""
    lives = {
        "scores": retention.scores,
        "alarms_by_day": retention.alarms,
        "cases": retention.cases,
        "case_evidence": retention.cases,
        "commands_by_day": retention.commands,
        "audit": retention.audit,
        "counts_by_minute": retention.counts,
    }
    return [table for table, days in lives.items() if _align_table(session, keyspace, table, days)]


def _align_table(session: Session, keyspace: str, table: str, days: int) -> bool:
    row = session.execute(_READ, (keyspace, table)).one()
    if _holds(row, days):
        return False
    change(
        session,
        f"ALTER TABLE {table} WITH default_time_to_live = {days * _DAY_S} AND compaction = "
        "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', "
        f"'compaction_window_size': {window_days(days)}}}",
    )
    return True


def _holds(row: Any, days: int) -> bool:
    window = row.compaction.get("compaction_window_size")
    return bool(row.default_time_to_live == days * _DAY_S and window == str(window_days(days)))
