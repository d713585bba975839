"""Every planted gap is found in its minute, raises one alarm with its ids, and the alarm returns when it is repaired."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from beside import Beside

from models import events
from models.events import Transaction
from models.scores import decode
from pipeline.reconciliation.looks import Looks
from pipeline.reconciliation.tally import Counted
from storage.memory_counts import MemoryCounts
from storage.presence import MemoryPresence

Pipeline = Any  # tests/pipeline/conftest.py: SmallPipeline

MINUTE_MS = 60_000


@pytest.fixture
def beside(pipeline: Pipeline) -> Beside:
    entities = pipeline.entities
    looks = Looks(
        absent=MemoryPresence(pipeline.scores).absent,
        taken_at=entities.taken_at,
        order=entities.order,
        orders_in=entities.orders_in,
    )
    return Beside(pipeline.bus, pipeline.clock(), looks=looks)


def pass_time(pipeline: Pipeline, beside: Beside, minutes: int = 4) -> None:
    """Let minutes go by, with one more event at their end, through everything; the reconciler looks."""
    pipeline.silent_ms += minutes * MINUTE_MS
    pipeline.transactions(1, first=1 + len(pipeline.records("transactions")) * 5)
    pipeline.run()
    look(pipeline, beside)


def look(pipeline: Pipeline, beside: Beside) -> None:
    beside.now = max(beside.now, pipeline.clock())
    running = beside.start()
    beside.settle(running)
    beside.now += 2 * MINUTE_MS
    pipeline.silent_ms += 2 * MINUTE_MS
    beside.settle(running)
    pipeline.settle()


def alarms(pipeline: Pipeline) -> dict[str, str]:
    """Return the state of each alarm of the pipeline itself, by entity."""
    return {row.entity: row.state for row in pipeline.entities.latest_alarms(99) if row.condition == "gap"}


def gaps(beside: Beside) -> dict[str, tuple[str, ...]]:
    return {row.stage: row.ids for row in beside.counts.gaps()}


def repaired(pipeline: Pipeline, beside: Beside, stage: str) -> None:
    """Look again, see the gap closed, and let the alarm return for want of alerts."""
    assert alarms(pipeline) == {f"pipeline:{stage}": "active_unacknowledged"}
    look(pipeline, beside)
    assert gaps(beside) == {}
    told = len(beside.told)
    pass_time(pipeline, beside)
    assert len(beside.told) == told
    pipeline.fall_silent()
    assert alarms(pipeline) == {f"pipeline:{stage}": "returned_unacknowledged"}
    pipeline.settle()
    assert pipeline.verify().clean


def test_minutes_without_gaps_add_up_and_raise_nothing(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(50)
    pipeline.labels(3)
    pipeline.garbage("transactions")
    pipeline.run()
    pass_time(pipeline, beside)
    pass_time(pipeline, beside)
    assert gaps(beside) == {}
    assert beside.told == []
    assert beside.total("accepted") == 53
    [first, second, third] = beside.rows("scored")
    assert (first.given, first.found, first.counts["dead-lettered"]) == (51, 50, 1)
    assert [(row.given, row.found) for row in (second, third)] == [(1, 1), (1, 1)]
    assert beside.total("stored") == beside.total("stored", "checked") == 52
    assert beside.total("taken") == beside.total("alerts") == 10
    assert beside.total("published") == beside.total("answers") == 2


def test_an_event_without_score(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(20)
    pipeline.run(drop=lambda record: record.offset == 7)
    pass_time(pipeline, beside)
    assert gaps(beside) == {"scored": ("t-transactions/0/7",)}
    assert [(alert.event["ids"], alert.event["more"]) for alert in beside.told] == [
        (["t-transactions/0/7"], 0)
    ]
    record = pipeline.records("transactions")[7]
    event = events.decode(record.value)
    assert isinstance(event, Transaction)
    pipeline.emit(pipeline.score(record, event))
    pipeline.settle()
    repaired(pipeline, beside, "scored")


def test_a_score_that_is_not_stored(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(20)
    pipeline.run()
    key = next(iter(pipeline.scores._rows))
    row = pipeline.scores._rows.pop(key)
    pass_time(pipeline, beside)
    assert gaps(beside) == {"stored": (f"{key[2]}/{key[3]}",)}
    pipeline.scores._rows[key] = row
    repaired(pipeline, beside, "stored")


def test_a_score_over_the_threshold_without_alert(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(20)
    pipeline.run()
    where = next(w for w, log in pipeline.bus.logs.items() if w[0] == "t-alerts" and log)
    lost = pipeline.bus.logs[where][-1]
    alert = decode(lost.value)
    pipeline.bus.logs[where][-1] = lost._replace(value=b"{}")
    pass_time(pipeline, beside)
    assert gaps(beside) == {"alerts": (f"t-transactions/0/{alert.offset}",)}
    pipeline.producer.send("alerts", alert.entity, lost.value)
    pipeline.settle()
    repaired(pipeline, beside, "alerts")


def test_an_alert_that_no_actor_took(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(20)
    pipeline.run()
    taken = pipeline.entities.taken_at
    beside.looks = replace(
        beside.looks, taken_at=lambda entity, name: None if name == "tx5/fraud" else taken(entity, name)
    )
    pass_time(pipeline, beside)
    assert gaps(beside) == {"taken": ("tx5/fraud",)}
    beside.looks = replace(beside.looks, taken_at=taken)
    repaired(pipeline, beside, "taken")


def test_a_command_that_is_never_answered(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(1)
    pipeline._query(lambda _: False)
    pipeline._act()
    pass_minutes = 24 * 60
    pipeline.silent_ms += pass_minutes * MINUTE_MS
    look(pipeline, beside)
    command = pipeline.commands()[0].command_id
    told = [alert.event["ids"] for alert in beside.told if alert.event["stage"] == "answered"]
    assert told
    assert all(ids == [command] for ids in told)


def test_a_late_event_is_excused_when_the_query_has_dropped_rows(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(5)
    pipeline.transactions(1, first=5, event_time=1_799_000_000_000 - 48 * 60 * MINUTE_MS)
    pipeline.run(drop=lambda record: record.offset == 5)
    beside.dropped = True
    pass_time(pipeline, beside)
    assert gaps(beside) == {}
    [first, *_] = beside.rows("scored")
    assert (first.given, first.found, first.counts["late"]) == (6, 5, 1)
    beside.dropped, beside.counts = False, MemoryCounts()
    look(pipeline, beside)
    assert gaps(beside) == {"scored": ("t-transactions/0/5",)}


def test_a_part_that_is_behind_is_no_gap_until_patience_is_over(pipeline: Pipeline, beside: Beside) -> None:
    pipeline.transactions(20)
    pipeline._query(lambda _: False)
    pipeline.silent_ms += 5 * MINUTE_MS
    look_only(pipeline, beside)
    assert beside.rows("stored") == []
    pipeline.silent_ms += 20 * MINUTE_MS
    look_only(pipeline, beside)
    assert beside.total("stored", "missing") == 20
    pipeline.settle()
    look(pipeline, beside)
    assert beside.total("stored", "missing") == 0


def look_only(pipeline: Pipeline, beside: Beside) -> None:
    """Let the reconciler look while writer and actors stand still."""
    beside.now = max(beside.now, pipeline.clock())
    beside.settle(beside.start())


def test_a_model_sees_its_own_events_only(pipeline: Pipeline, beside: Beside) -> None:
    beside.models = (*beside.models, Counted("second", "t-transactions", {"terminal": "T2"}))
    pipeline.transactions(20)
    pipeline.run()
    pass_time(pipeline, beside)
    given: Counter[str] = Counter()
    for row in beside.rows("scored"):
        given[row.part] += row.given
    assert given == {"t-transactions/0 fraud": 21, "t-transactions/0 second": 0}
    assert gaps(beside) == {}


def test_many_gaps_are_named_up_to_a_number_and_counted_beyond(pipeline: Pipeline, beside: Beside) -> None:
    beside.settings = beside.settings.model_copy(update={"ids": 3})
    pipeline.transactions(50)
    pipeline.run(drop=lambda record: record.offset % 5 == 1)
    pass_time(pipeline, beside)
    [alert] = beside.told
    assert alert.score == 10
    assert (len(alert.event["ids"]), alert.event["more"]) == (3, 7)
    assert beside.rows("scored")[0].missing == 10


def test_what_is_committed_while_its_scores_are_still_unread_is_no_gap(
    pipeline: Pipeline, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.transactions(20)

    def committed() -> dict[tuple[str, int], int]:
        pipeline._query(lambda _: False)
        return {("t-transactions", 0): len(pipeline.records("transactions"))}

    monkeypatch.setattr(beside, "_committed", committed)
    pipeline.silent_ms += 5 * MINUTE_MS
    look_only(pipeline, beside)
    assert beside.total("scored") == 20
    assert beside.total("scored", "missing") == 0
    assert beside.told == []
