from collections.abc import Callable

import pytest

from models.actions import Command, CommandStatus
from models.orders import Order, encode
from models.scores import Score
from storage.alarms import AlarmRow
from storage.entities import Change, CommandRow
from storage.memory import MemoryEntityStore, MemoryScoreStore
from storage.scores import StampedScore
from storage.story import story


class Clock:
    now = 1_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scores() -> MemoryScoreStore:
    return MemoryScoreStore()


@pytest.fixture
def entities(clock: Clock) -> MemoryEntityStore:
    return MemoryEntityStore(clock)


def command(command_id: str, alarm_id: str, status: CommandStatus) -> CommandRow:
    body = Command(
        command_id=command_id,
        kind="block_card",
        condition="fraud",
        entity="card-1",
        alarm_id=alarm_id,
        event_id="e1",
        event_time=1,
        issued_at=1,
        expires_at=2,
    )
    return CommandRow(command_id, status, encode(Order(command=body, status=status, changed_at=1)))


def alarm(alarm_id: str, opened_at: int, event_id: str = "other", condition: str = "fraud") -> AlarmRow:
    return AlarmRow(
        alarm_id=alarm_id,
        entity="card-1",
        condition=condition,
        opened_at=opened_at,
        version=1,
        state="active",
        event_id=event_id,
        alerts=1,
    )


def test_an_unknown_event_has_no_story(scores: MemoryScoreStore, entities: MemoryEntityStore) -> None:
    assert story("e1", scores, entities) is None


def test_an_event_below_the_threshold_is_scored_and_that_is_all(
    scores: MemoryScoreStore,
    entities: MemoryEntityStore,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    score = make_score(score=0.1)
    scores.write(stamped(score))
    told = story("e1", scores, entities)
    assert (told.event_id, told.event_time, told.event) == ("e1", score.event_time, score.event)
    (judgement,) = told.judgements
    assert judgement.score == score
    assert (judgement.taken_at, judgement.alarm, judgement.commands) == (None, None, ())


def test_an_alert_that_opened_an_alarm_leads_to_its_commands(
    scores: MemoryScoreStore,
    entities: MemoryEntityStore,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    scores.write(stamped(make_score()))
    mine, foreign = command("k1", "alarm-1", "succeeded"), command("k2", "alarm-2", "sent")
    entities.save("card-1", 0, Change("s", ("e1/fraud",), (mine, foreign)))
    entities.record_alarm(alarm("alarm-1", 1_000, event_id="e1"))
    entities.record_alarm(alarm("alarm-2", 900))
    (judgement,) = story("e1", scores, entities).judgements
    assert judgement.taken_at == 1_000
    assert judgement.alarm.alarm_id == "alarm-1"
    assert judgement.commands == (mine,)


def test_an_alert_that_raised_an_alarm_leads_to_the_one_that_stood(
    scores: MemoryScoreStore,
    entities: MemoryEntityStore,
    clock: Clock,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    scores.write(stamped(make_score()))
    clock.now = 5_000
    entities.save("card-1", 0, Change("s", ("e1/fraud",)))
    for row in (
        alarm("old", 1_000),
        alarm("standing", 4_000),
        alarm("later", 6_000),
        alarm("foreign", 4_500, condition="anomaly"),
    ):
        entities.record_alarm(row)
    (judgement,) = story("e1", scores, entities).judgements
    assert judgement.alarm.alarm_id == "standing"


def test_each_model_has_its_own_judgement(
    scores: MemoryScoreStore,
    entities: MemoryEntityStore,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    scores.write(stamped(make_score(), make_score(model="anomaly")))
    entities.save("card-1", 0, Change("s", ("e1/anomaly",)))
    told = story("e1", scores, entities)
    assert [(j.score.model, j.taken_at) for j in told.judgements] == [("anomaly", 1_000), ("fraud", None)]
