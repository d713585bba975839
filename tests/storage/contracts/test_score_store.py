"""What every `ScoreStore` promises, run on the twin and on Cassandra."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from models.scores import Score
from storage.errors import RefuseInputError
from storage.memory import MemoryScoreStore
from storage.score_store import CassandraScoreStore
from storage.scores import ScoreStore, StampedScore, stamp_of

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> ScoreStore:
    if request.param == "memory":
        return MemoryScoreStore()
    return CassandraScoreStore(request.getfixturevalue("session"), request.getfixturevalue("settings"))


def test_a_score_comes_back_as_it_was(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    score = make_score()
    store.write(stamped(score))
    assert store.by_event("e1") == [score]
    assert store.of_entity("card-1", NOON, NOON + 1) == [score]


def test_features_keep_every_bit(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    rng = random.Random(5)
    features = {f"f{i}": rng.uniform(-1, 1) * 10 ** rng.randint(-300, 300) for i in range(200)}
    store.write(stamped(make_score(features=features)))
    assert store.by_event("e1")[0].features == features


def test_nothing_stored_is_nothing_found(store: ScoreStore) -> None:
    assert store.by_event("e1") == []
    assert store.of_entity("card-1", 0, DAY_MS) == []
    assert list(store.ids()) == []
    store.write([])


def test_an_entity_is_read_in_time_order_across_days(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    times = [NOON + i * DAY_MS // 3 for i in range(10)]
    scores = [make_score(f"e{i}", event_time=t) for i, t in enumerate(times)]
    store.write(stamped(*reversed(scores), make_score("x", entity="card-2")))
    assert store.of_entity("card-1", times[0], times[-1] + 1) == scores


def test_a_range_includes_its_start_and_excludes_its_end(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    midnight = 20_001 * DAY_MS
    before, at, after = (make_score(f"e{t}", event_time=midnight + t) for t in (-1, 0, 1))
    store.write(stamped(before, at, after))
    assert store.of_entity("card-1", midnight, midnight + 1) == [at]
    assert store.of_entity("card-1", midnight - 1, midnight) == [before]
    assert store.of_entity("card-1", midnight, midnight) == []


def test_models_judge_one_event_side_by_side(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    fraud, other = make_score(), make_score(model="anomaly", score=0.1)
    store.write(stamped(fraud, other))
    assert store.by_event("e1") == [other, fraud]
    assert sorted(store.ids()) == [("e1", "anomaly"), ("e1", "fraud")]


def test_the_same_record_again_changes_nothing(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    rows = stamped(make_score(), make_score("e2"))
    store.write(rows)
    store.write(rows)
    assert sorted(store.ids()) == [("e1", "fraud"), ("e2", "fraud")]
    assert store.by_event("e1") == [rows[0].score]


def test_of_two_records_of_one_event_the_later_wins_whole(
    store: ScoreStore, make_score: Callable[..., Score]
) -> None:
    early = make_score(score=0.9, features={"a": 9.0}, version="9", arrivals={"terminal": 9})
    late = make_score(score=0.1, features={"a": 1.0}, version="1", arrivals={"terminal": 1})
    first = StampedScore(early, stamp_of(NOON, 10))
    second = StampedScore(late, stamp_of(NOON, 11))
    store.write([first, second])
    assert store.by_event("e1") == [late]


def test_a_late_writer_with_an_early_record_overwrites_nothing(
    store: ScoreStore, make_score: Callable[..., Score]
) -> None:
    newer = make_score(score=0.1, features={"a": 1.0})
    store.write([StampedScore(newer, stamp_of(NOON + 5, 11))])
    store.write([StampedScore(make_score(score=0.9, features={"a": 9.0}), stamp_of(NOON, 10))])
    assert store.by_event("e1") == [newer]


def test_many_rows_of_many_entities_all_arrive(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    scores = [make_score(f"e{i}", entity=f"card-{i % 53}", event_time=NOON + i) for i in range(1_500)]
    store.write(stamped(*scores))
    assert sorted(store.ids()) == sorted((s.event_id, s.model) for s in scores)
    assert store.of_entity("card-7", NOON, NOON + 1_500) == scores[7::53]


def test_rows_larger_than_a_batch_are_stored(
    store: ScoreStore, make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]]
) -> None:
    scores = [make_score(f"e{i}", event={"note": "x" * 45_000}) for i in range(5)]
    store.write(stamped(*scores))
    assert [store.by_event(s.event_id) for s in scores] == [[s] for s in scores]


@pytest.mark.parametrize(("start", "end"), [(NOON, NOON - 1), (0, 401 * DAY_MS)])
def test_a_senseless_range_is_refused(store: ScoreStore, start: int, end: int) -> None:
    with pytest.raises(RefuseInputError, match="range"):
        store.of_entity("card-1", start, end)


def test_a_later_record_without_shadows_reasons_and_outputs_leaves_none(
    store: ScoreStore, make_score: Callable[..., Score]
) -> None:
    store.write([StampedScore(make_score(), stamp_of(NOON, 10))])
    store.write(
        [StampedScore(make_score(shadows=[], reasons=[], outputs={}, below=False), stamp_of(NOON, 11))]
    )
    (found,) = store.by_event("e1")
    assert (found.shadows, found.reasons, found.outputs, found.below) == ([], [], {}, False)


@pytest.mark.cassandra
def test_a_row_from_before_shadows_and_reasons_is_read(
    make_score: Callable[..., Score], stamped: Callable[..., list[StampedScore]], session: Any, settings: Any
) -> None:
    store = CassandraScoreStore(session, settings)
    store.write(stamped(make_score()))
    session.execute(
        "UPDATE scores SET shadows = null, reasons = null, outputs = null, below = null "
        "WHERE entity = 'card-1' AND day = '2024-10-04' AND event_time = %s AND event_id = 'e1' AND model = 'fraud'",
        (NOON,),
    )
    (found,) = store.by_event("e1")
    assert (found.shadows, found.reasons, found.outputs, found.below) == ([], [], {}, False)
