"""What every `EntityStore` promises, run on the twin and on Cassandra."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from storage.alarms import AlarmRow
from storage.entities import EMPTY, Change, CommandRow, EntityStore, OperationRow, Save, Snapshot
from storage.entity_store import CassandraEntityStore
from storage.errors import StaleWriteError
from storage.memory import MemoryEntityStore

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2
QUEUED = CommandRow("k1", "queued", "{}")


@pytest.fixture(
    params=[
        "memory",
        pytest.param("buckets", marks=pytest.mark.cassandra),
        pytest.param("separate", marks=pytest.mark.cassandra),
    ]
)
def store(request: pytest.FixtureRequest) -> EntityStore:
    if request.param == "memory":
        return MemoryEntityStore(lambda: NOON)
    session, settings = request.getfixturevalue("session"), request.getfixturevalue("settings")
    if request.param == "separate":
        again = settings.model_copy(update={"keyspace": request.getfixturevalue("expanded_keyspace")})
        session.set_keyspace(again.keyspace)
        return CassandraEntityStore(session, again, lambda: NOON)
    return CassandraEntityStore(session, settings, lambda: NOON)


def alarm(number: int = 1, **fields: Any) -> AlarmRow:
    values = {
        "alarm_id": f"alarm-{number}",
        "entity": "card-1",
        "condition": "fraud",
        "opened_at": NOON + number,
        "version": 1,
        "state": "active_unacknowledged",
        "event_id": f"e{number}",
        "alerts": 1,
    }
    return AlarmRow(**{**values, **fields})


def test_an_unknown_entity_is_empty_at_version_0(store: EntityStore) -> None:
    assert store.load("card-1") == EMPTY
    assert list(store.entities()) == []


def test_a_save_stores_everything_at_once(store: EntityStore) -> None:
    assert store.save("card-1", 0, Change("s1", ("e1/fraud", "e2/fraud"), (QUEUED,))) == 1
    assert store.load("card-1") == Snapshot(1, "s1", frozenset({"e1/fraud", "e2/fraud"}), (QUEUED,))


def test_a_save_of_the_state_alone_is_a_version(store: EntityStore) -> None:
    assert store.save("card-1", 0, Change("s1")) == 1
    assert store.load("card-1") == Snapshot(1, "s1", frozenset(), ())
    assert list(store.entities()) == ["card-1"]


def test_later_saves_add_alerts_and_change_commands(store: EntityStore) -> None:
    store.save("card-1", 0, Change("s1", ("a",), (QUEUED,)))
    sent, other = replace(QUEUED, status="sent"), CommandRow("k0", "queued", "[]")
    assert store.save("card-1", 1, Change("s2", ("b", "a"), (sent, other))) == 2
    assert store.load("card-1") == Snapshot(2, "s2", frozenset({"a", "b"}), (other, sent))


@pytest.mark.parametrize("expected", [0, 2, 7])
def test_a_stale_save_changes_nothing(store: EntityStore, expected: int) -> None:
    store.save("card-1", 0, Change("s1", ("a",), (QUEUED,)))
    before = store.load("card-1")
    with pytest.raises(StaleWriteError, match="card-1") as caught:
        store.save("card-1", expected, Change("wrong", ("b",), (CommandRow("k9", "queued", ""),)))
    assert (caught.value.expected, caught.value.found) == (expected, 1)
    assert store.load("card-1") == before
    assert store.taken_at("card-1", "b") is None


def test_a_version_of_an_unknown_entity_is_stale(store: EntityStore) -> None:
    with pytest.raises(StaleWriteError) as caught:
        store.save("card-1", 3, Change("s"))
    assert caught.value.found == 0
    assert store.load("card-1") == EMPTY


def test_of_many_writers_at_one_version_one_wins(store: EntityStore) -> None:
    won, lost = [], []

    def write(name: str) -> None:
        try:
            store.save("card-1", 0, Change(name, (name,)))
            won.append(name)
        except StaleWriteError:
            lost.append(name)

    threads = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert store.load("card-1") == Snapshot(1, won[0], frozenset(won), ())


def test_when_an_alert_was_taken_is_known(store: EntityStore) -> None:
    store.save("card-1", 0, Change("s", ("e1/fraud",)))
    assert store.taken_at("card-1", "e1/fraud") == NOON
    assert store.taken_at("card-1", "e2/fraud") is None
    assert store.taken_at("card-2", "e1/fraud") is None


def test_entities_are_apart_and_all_walked_once(store: EntityStore) -> None:
    names = [f"card-{i}" for i in range(200)]
    for name in names:
        store.save(name, 0, Change(f"of {name}", ("a", "b")))
    assert sorted(store.entities()) == sorted(names)
    assert store.load("card-150").state == "of card-150"


def test_many_saves_at_once_are_each_for_itself(store: EntityStore) -> None:
    names = [f"card-{i}" for i in range(300)]
    ahead = set(names[::50])
    for name in ahead:
        store.save(name, 0, Change("other"))
    saves = [Save(name, 0, Change(f"of {name}", (f"a/{name}",), (QUEUED,))) for name in names]
    for name, outcome in zip(names, store.save_all(saves), strict=True):
        assert (
            (isinstance(outcome, StaleWriteError) and outcome.found == 1) if name in ahead else outcome == 1
        )
    assert store.save_all([]) == []
    wanted = [*names[::-1], "nobody"]
    for settled in (True, False):
        found = dict(zip(wanted, store.load_all(wanted, settled=settled), strict=True))
        assert found.pop("nobody") == EMPTY
        assert found == {
            name: Snapshot(1, "other", frozenset(), ())
            if name in ahead
            else Snapshot(1, f"of {name}", frozenset({f"a/{name}"}), (QUEUED,))
            for name in names
        }


def test_an_entity_with_more_than_a_page_of_alerts_is_whole(store: EntityStore) -> None:
    alerts = [f"{n:05}" for n in range(6_000)]
    for version, first in enumerate(range(0, len(alerts), 500)):
        store.save("card-1", version, Change(f"s{version}", tuple(alerts[first : first + 500])))
    store.save("card-2", 0, Change("small", ("a",)))
    for settled in (True, False):
        busy, small = store.load_all(["card-1", "card-2"], settled=settled)
        assert (busy.version, busy.state, busy.alerts) == (12, "s11", frozenset(alerts))
        assert small == Snapshot(1, "small", frozenset({"a"}), ())
    assert store.load("card-1") == busy


def test_an_alarm_is_listed_and_found_by_its_entity(store: EntityStore) -> None:
    store.record_alarm(alarm(command_id="k1", command_status="sent"))
    expected = [alarm(command_id="k1", command_status="sent")]
    assert store.latest_alarms(10) == expected
    assert store.alarms_of("card-1") == expected
    assert store.alarms_of("card-2") == []


def test_recording_an_alarm_again_updates_it(store: EntityStore) -> None:
    store.record_alarm(alarm())
    later = alarm(
        version=2,
        alerts=5,
        command_id="k1",
        command_status="succeeded",
        severity="high",
        active_at=NOON + 7,
        chattering=True,
        stale=True,
    )
    store.record_alarm(later)
    store.record_alarm(later)
    assert store.latest_alarms(10) == [later]
    calm = replace(later, version=3, severity="low", chattering=False, stale=False)
    store.record_alarm(calm)
    assert store.latest_alarms(10) == [calm]


def test_an_older_version_of_an_alarm_overwrites_nothing(store: EntityStore) -> None:
    later = alarm(version=3, alerts=9, state="later")
    store.record_alarm(later)
    store.record_alarm(alarm(version=2, alerts=1, state="earlier"))
    assert store.latest_alarms(10) == [later]


def test_the_latest_alarms_come_first_across_days(store: EntityStore) -> None:
    alarms = [alarm(i, opened_at=NOON + i * DAY_MS // 2, entity=f"card-{i % 2}") for i in range(7)]
    for row in alarms:
        store.record_alarm(row)
    newest_first = alarms[::-1]
    assert store.latest_alarms(100) == newest_first
    assert store.latest_alarms(3) == newest_first[:3]
    assert store.latest_alarms(0) == []
    assert store.alarms_of("card-1") == [a for a in newest_first if a.entity == "card-1"]


def test_operations_are_stored_with_the_rest_and_never_twice(store: EntityStore) -> None:
    first, second = OperationRow("o2", "{}"), OperationRow("o1", "[]")
    store.save("card-1", 0, Change("s1", ("a",), (QUEUED,), (first,)))
    with pytest.raises(StaleWriteError):
        store.save("card-1", 0, Change("wrong", operations=(OperationRow("o9", ""),)))
    store.save("card-1", 1, Change("s2", operations=(second, first)))
    assert store.load("card-1") == Snapshot(2, "s2", frozenset({"a"}), (QUEUED,), (second, first))


def test_an_alarm_is_found_by_its_id_and_its_state(store: EntityStore) -> None:
    states = ["active_unacknowledged", "closed", "shelved", "active_unacknowledged"]
    rows = [alarm(i, state=state, opened_at=NOON + i * DAY_MS) for i, state in enumerate(states)]
    for row in rows:
        store.record_alarm(row)
    assert store.alarm("alarm-2") == rows[2]
    assert store.alarm("alarm-9") is None
    assert store.alarms_in("active_unacknowledged") == [rows[3], rows[0]]
    store.record_alarm(replace(rows[0], version=2, state="closed"))
    assert store.alarms_in("active_unacknowledged") == [rows[3]]
    assert store.alarms_in("out_of_service") == []


def test_alarms_are_due_from_their_time_on_until_they_have_none(store: EntityStore) -> None:
    rows = [alarm(i, due_at=NOON + due) for i, due in enumerate((10, 20, 30))]
    for row in [*rows, alarm(8)]:
        store.record_alarm(row)
    assert store.due_alarms(NOON + 9, 10) == []
    assert sorted(store.due_alarms(NOON + 20, 10), key=lambda a: a.alarm_id) == rows[:2]
    assert len(store.due_alarms(NOON + 99, 2)) == 2
    store.record_alarm(replace(rows[0], version=2, due_at=None))
    assert store.alarm("alarm-0") == replace(rows[0], version=2, due_at=None)
    assert store.due_alarms(NOON + 20, 10) == [rows[1]]
