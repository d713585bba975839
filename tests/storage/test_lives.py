"""How long what is written lives: read back from the server."""

from collections.abc import Callable

import pytest
from cassandra.cluster import Session

from models.cases import AlertSeen
from models.scores import Score
from storage.alarms import AlarmRow
from storage.cases import CaseRow
from storage.entities import Change, CommandRow
from storage.entity_store import CassandraEntityStore
from storage.score_store import CassandraScoreStore
from storage.scores import StampedScore
from storage.settings import CassandraSettings

pytestmark = pytest.mark.cassandra

DAY_S = 86_400


def days(session: Session, what: str, table: str) -> list[int]:
    rows = session.execute(f"SELECT ttl({what}) FROM {table}")  # noqa: S608 - names of this test
    seconds = [row[0] for row in rows if row[0] is not None]
    return [-(-left // DAY_S) for left in seconds]


def test_scores_alarms_and_cases_live_as_their_tables_say(
    session: Session,
    settings: CassandraSettings,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    CassandraScoreStore(session, settings).write(stamped(make_score()))
    alarm = AlarmRow(
        alarm_id="a", entity="c", condition="m", opened_at=1, version=1, state="s", event_id="e", alerts=1
    )
    CassandraEntityStore(session, settings, lambda: 0).record_alarm(alarm)
    case = CaseRow(
        case_id="k", entity="c", opened_at=1, version=1, state="open", opened_by="a", why="w", severity="low"
    )
    store = CassandraEntityStore(session, settings, lambda: 0)
    store.record_case(case)
    store.record_evidence("k", [AlertSeen(alert_id="e/m", joined_at=1, digest="d", score=None)])
    assert days(session, "state", "cases") == [settings.retention.cases]
    assert days(session, "body", "case_evidence") == [settings.retention.cases]
    assert days(session, "score", "scores") == [settings.retention.scores]
    assert days(session, "state", "alarms_by_day") == [settings.retention.alarms]


def test_alerts_and_commands_expire_and_the_version_stays(
    session: Session, settings: CassandraSettings
) -> None:
    store = CassandraEntityStore(session, settings, lambda: 0)
    store.save("card-1", 0, Change("s", ("e1/fraud",), (CommandRow("k1", "queued", "{}"),)))
    assert days(session, "taken_at", "entity_buckets") == [settings.retention.taken_alerts]
    assert days(session, "body", "entity_buckets") == [settings.retention.commands]
    assert days(session, "version", "entity_buckets") == []


def test_a_redelivered_score_keeps_one_write_time(
    session: Session,
    settings: CassandraSettings,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    store, rows = CassandraScoreStore(session, settings), stamped(make_score())
    for _ in range(2):
        store.write(rows)
    (row,) = session.execute("SELECT writetime(score), writetime(features) FROM scores")
    assert tuple(row) == (rows[0].stamp_us, rows[0].stamp_us)
