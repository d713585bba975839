"""What investigators see and do, on a whole pipeline in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outbox import Publication
from models import events
from models.alarms import SEVERITIES
from models.cases import AlertSeen, CaseState
from models.events import Label, Transaction
from models.operations import AuditEntry, CaseOutcome
from pipeline import cases, sources
from pipeline.asking import Desk
from pipeline.cases import Wish
from pipeline.cli.cases import view
from pipeline.cli.cases.listing import StateName
from pipeline.cli.cases.working import OutcomeName
from pipeline.errors import RefuseUsageError
from processing.history import verdicts, write_history
from storage.cases import CaseRow

Pipeline = Any  # tests/pipeline/conftest.py: SmallPipeline
Act = Callable[..., AuditEntry]
HOUR_MS = 3_600_000


@pytest.fixture
def busy(pipeline: Pipeline) -> Pipeline:
    pipeline.transactions(20)
    pipeline.run()
    return pipeline


def desk(pipeline: Pipeline, **fields: Any) -> Desk:
    values = {
        "store": pipeline.entities,
        "producer": pipeline.producer,
        "actors": lambda: 1,
        "clock": pipeline.clock,
        "new_id": lambda: f"o{len(pipeline.records('operations'))}",
        "pause": pipeline.settle,
    }
    return Desk(**{**values, **fields})


@pytest.fixture
def act(busy: Pipeline) -> Act:
    def do(action: Any, entity: str, case_id: str = "", who: str = "ann", **fields: Any) -> AuditEntry:
        named = case_id or cases.chosen(busy.entities, entity).case_id
        wish = Wish(action=action, entity=entity, case_id=named, who=who, **fields)
        return cases.operate(desk(busy), wish, wait_s=5)

    return do


@pytest.fixture
def cards(busy: Pipeline, act: Act) -> list[str]:
    """Give cards with an open case each."""
    found = sorted(row.entity for row in busy.entities.latest_alarms(9))
    for number, card in enumerate(found):
        assert act("open", card, f"case-{number}", why="the holder called").verdict == "applied"
    return found


def row(number: int, **changed: Any) -> CaseRow:
    made = CaseRow(
        case_id=f"case-{number}",
        entity="c",
        opened_at=number,
        version=1,
        state="open",
        opened_by="policy",
        why="w",
        severity="high",
    )
    return replace(made, **changed)


def labels(pipeline: Pipeline) -> list[Label]:
    records = pipeline.records("labels")
    found = [sources.valid_event(record, Label) for record in records]
    return [label for label in found if isinstance(label, Label)]


def test_a_case_is_worked_from_the_list_to_its_labels(busy: Pipeline, act: Act, cards: Sequence[str]) -> None:
    first, second = cards
    taken = cases.take_next(desk(busy), "ann", 5)
    assert (taken.operation.entity, taken.after) == (first, "assigned to ann")
    assert act("note", first, why="called the holder").verdict == "applied"
    assert act("close", first, outcome="confirmed").after == "closed: confirmed"
    assert [case.entity for case in cases.listed(busy.entities, (), busy.clock())] == [second]
    assert [case.outcome for case in cases.listed(busy.entities, ("closed",), 0)] == ["confirmed"]
    alerts = [name.partition("/")[0] for name in busy.entities.load(first).alerts]
    assert sorted(label.transaction_id for label in labels(busy)) == sorted(alerts)
    assert all(label.fraud and label.card == first for label in labels(busy))
    busy.run()
    assert busy.verify().clean, "labels of cases are events like any other"


def test_a_label_that_was_lost_or_came_twice_is_found_out(
    busy: Pipeline, act: Act, cards: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    act("close", cards[0], outcome="confirmed")
    for record in busy.records("labels"):
        busy.producer.send("labels", record.key, record.value, timestamp_ms=busy.clock())
    stage = busy.verify().stages[-1]
    assert (stage.clean, stage.given) == (True, len(labels(busy)) // 2)
    assert stage.counts["duplicates"] == stage.given
    monkeypatch.setattr(Publication, "label", lambda _, labels: None)
    act("close", cards[1], outcome="false_alarm")
    assert len(busy.verify().stages[-1].missing) == len(busy.entities.load(cards[1]).alerts)


def test_labels_of_cases_are_learned_from(
    busy: Pipeline, act: Act, cards: Sequence[str], tmp_path: Path
) -> None:
    act("close", cards[0], outcome="confirmed")
    act("close", cards[1], outcome="false_alarm")
    sent = [
        events.decode(record.value) for topic in ("transactions", "labels") for record in busy.records(topic)
    ]
    write_history(sent, Transaction, tmp_path / "history.parquet")
    learned = verdicts(tmp_path / "history.parquet").set_index("event_id")
    for card, fraud in zip(cards, (True, False), strict=True):
        for name in busy.entities.load(card).alerts:
            assert learned.verdict[name.partition("/")[0]] == fraud
    newest = max(e.event_time for e in sent if isinstance(e, Transaction))
    assert all(newest <= label.event_time <= newest + HOUR_MS for label in labels(busy)), (
        "in the events' time"
    )


def test_everything_about_a_case_is_told(busy: Pipeline, act: Act, cards: Sequence[str]) -> None:
    act("assign", cards[0], assignee="bob", why="his card")
    act("close", cards[0], outcome="confirmed")
    (told,) = cases.told(busy.entities, busy.scores, cards[0])
    assert told == cases.told(busy.entities, busy.scores, "case-0")[0]
    alerts = [piece for piece in told.evidence if isinstance(piece, AlertSeen)]
    assert alerts
    assert all(piece.score is not None and piece.score.is_alert for piece in alerts)
    text = "\n".join(view.story(told, busy.clock()))
    for part in (
        f"case-0  medium case of {cards[0]}: assigned to bob, due ",
        "opened by ann: the holder called",
        "alarm alarm-",
        "alert of fraud 1: score 0.9500",
        "features: amount ",
        "command command-",
        "block_card",
        "ann: assign (his card); open -> assigned to bob",
        "ann: close; refused: it is assigned to bob: release it first",
    ):
        assert part in text
    shown = view.as_dict(told, busy.clock())
    assert shown["case"]["overdue"] is False
    assert len(shown["audit"]) == 3
    assert len(list(view.table([told.row], busy.clock()))) == 1


def test_an_alert_that_the_score_store_has_otherwise_is_not_shown_as_evidence(
    busy: Pipeline, cards: Sequence[str]
) -> None:
    (told,) = cases.told(busy.entities, busy.scores, cards[0])
    for key, stamped in list(busy.scores._rows.items()):
        changed = type(stamped.score)(
            **{f: getattr(stamped.score, f) for f in stamped.score.__struct_fields__} | {"score": 0.99}
        )
        busy.scores._rows[key] = type(stamped)(changed, stamped.stamp_us)
    (again,) = cases.told(busy.entities, busy.scores, cards[0])
    assert all(piece.score is None for piece in again.evidence if isinstance(piece, AlertSeen))
    assert "no longer in the score store as it was" in "\n".join(view.story(again, busy.clock()))
    assert told.row == again.row


def test_two_investigators_never_get_the_same_case(busy: Pipeline, cards: Sequence[str]) -> None:
    class Behind:
        """A store whose lists are those of a while ago."""

        def __init__(self) -> None:
            self._then = busy.entities.cases_in("open")

        def __getattr__(self, name: str) -> Any:
            return getattr(busy.entities, name)

        def cases_in(self, state: CaseState) -> list[CaseRow]:
            return self._then

    behind = desk(busy, store=Behind())
    got = [cases.take_next(behind, who, 5).operation.entity for who in ("ann", "bob")]
    assert got == list(cards)
    with pytest.raises(RefuseUsageError, match="no open case waits"):
        cases.take_next(behind, "cat", 5)
    refusals = [e for e in busy.entities.latest_audit(99) if e.verdict == "refused"]
    assert len(refusals) == 3, "each was told why"


def test_the_most_urgent_case_comes_first(busy: Pipeline) -> None:
    rows = [
        row(1, severity="low", due_at=5),
        row(2, severity="critical", due_at=900),
        row(3, severity="critical", due_at=800),
        row(4, severity="high", due_at=5),
        row(5, severity="critical"),
        row(6, state="closed", due_at=5),
        row(7, state="assigned", severity="critical", due_at=5, assignee="ann"),
    ]
    for each in rows:
        busy.entities.record_case(each)
    found = cases.listed(busy.entities, get_args(CaseState), 10)
    assert [case.case_id[-1] for case in found] == list("7413256")
    assert [case.case_id for case in found if cases.is_overdue(case, 10)] == ["case-7", "case-4", "case-1"]
    lines = list(view.table(found, 10))
    assert [("OVERDUE" in line, "no due time" in line) for line in lines[-3:]] == [
        (False, False),
        (False, True),
        (False, False),
    ]


@given(
    st.lists(
        st.builds(
            lambda due, severity, opened, state: row(opened, due_at=due, severity=severity, state=state),
            st.none() | st.integers(0, 20),
            st.sampled_from(SEVERITIES),
            st.integers(0, 5),
            st.sampled_from(get_args(CaseState)),
        )
    )
)
def test_no_case_is_before_one_that_is_overdue_while_it_is_not(rows: list[CaseRow]) -> None:
    ordered = sorted(rows, key=lambda case: cases._urgency(case, 10))
    overdue = [cases.is_overdue(case, 10) for case in ordered if case.state != "closed"]
    assert overdue == sorted(overdue, reverse=True)
    closed = [case.state == "closed" for case in ordered]
    assert closed == sorted(closed)


def test_a_name_that_is_none_is_refused(busy: Pipeline) -> None:
    for look in (cases.chosen, lambda store, name: cases.told(store, busy.scores, name)):
        with pytest.raises(RefuseUsageError, match="there is no case nobody"):
            look(busy.entities, "nobody")


def test_the_command_line_names_every_state_and_outcome() -> None:
    assert sorted(StateName) == sorted(get_args(CaseState))
    assert sorted(OutcomeName) == sorted(get_args(CaseOutcome))
