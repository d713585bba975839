"""What a replay sends: every row, in order of event time, at its pace; what fails becomes a dead letter."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from replayed_cards import START, Recorder, Replay, Ticks, ids, sent, table

from ingest.door import Door
from ingest.errors import RefuseInputError
from ingest.memory import Bus
from ingest.replay import ReplayOptions
from ingest.reports import Progress
from models import events
from models.dead_letters import DeadLetter
from models.events import Label, Transaction

NOW = 1_700_000_000_000
DAY = 86_400_000
Letters = Callable[[], list[DeadLetter]]


def test_every_row_gives_a_transaction_and_its_label(
    bus: Bus, options: ReplayOptions, replay: Replay
) -> None:
    report = replay(options)
    assert (report.end, report.sent) == ("finished", 800)
    assert report.accepted == {"transaction": 400, "label": 400}
    assert ids(list(bus.read_all("transactions"))) == [f"fdh-{n}" for n in range(400)]
    assert ids(list(bus.read_all("labels"))) == [f"L-fdh-{n}" for n in range(400)]
    transactions = {event.event_id: event for event in sent(bus) if isinstance(event, Transaction)}
    for label in (event for event in sent(bus) if isinstance(event, Label)):
        of = transactions[label.transaction_id]
        assert (label.card, label.terminal, label.event_time) == (
            of.card,
            of.terminal,
            of.event_time + 7 * DAY,
        )
        assert label.fraud == (int(of.event_id[4:]) % 10 == 0)


def test_formats_agree(bus: Bus, options: ReplayOptions, replay: Replay, tmp_path: Path) -> None:
    replay(options)
    expected = sent(bus)
    csv, lines = tmp_path / "cards.csv", tmp_path / "cards.jsonl"
    pc.write_csv(table(400), csv)
    lines.write_text("".join(json.dumps(row, default=str) + "\n" for row in table(400).to_pylist()))
    for path in (csv, lines):
        for log in bus.logs.values():
            log.clear()
        replay(options.model_copy(update={"files": (path,), "progress_file": None}))
        assert sent(bus) == expected


def test_labels_are_interleaved_by_event_time(bus: Bus, options: ReplayOptions, replay: Replay) -> None:
    recorder = Recorder(bus.producer())
    replay(options, door=Door(recorder, lambda: NOW))
    times = [event.event_time for event in recorder.order]
    assert times == sorted(times)
    assert isinstance(recorder.order[168], Label)
    assert recorder.order[167:170] != sorted(recorder.order[167:170], key=lambda event: event.event_id)


def test_limit_and_time_range_select_rows(bus: Bus, options: ReplayOptions, replay: Replay) -> None:
    chosen = options.model_copy(
        update={"start": START + timedelta(hours=10), "end": START + timedelta(hours=30), "limit": 15}
    )
    assert replay(chosen).accepted == {"transaction": 15, "label": 15}
    assert ids(list(bus.read_all("transactions"))) == [f"fdh-{n}" for n in range(10, 25)]


def test_several_files_are_one_stream(
    bus: Bus, options: ReplayOptions, replay: Replay, tmp_path: Path
) -> None:
    whole = table(400)
    for number in range(2):
        pq.write_table(whole.slice(200 * number, 200), tmp_path / f"{number}.parquet")
    recorder = Recorder(bus.producer())
    files = (tmp_path / "0.parquet", tmp_path / "1.parquet")
    replay(options.model_copy(update={"files": files}), door=Door(recorder, lambda: NOW))
    assert len(recorder.order) == 800
    assert [e.event_time for e in recorder.order] == sorted(e.event_time for e in recorder.order)


def test_progress_is_told(options: ReplayOptions, replay: Replay) -> None:
    told: list[Progress] = []
    replay(options, on_progress=told.append, monotonic=Ticks(0.01))
    assert len(told) > 5
    assert [progress.sent for progress in told] == sorted(progress.sent for progress in told)
    last = told[-1]
    assert (last.sent, last.total, last.accepted, last.rejected) == (800, 800, 800, 0)
    assert last.event_time == round((START + timedelta(hours=399, days=7)).timestamp() * 1_000)


def test_rows_that_fail_become_dead_letters_and_the_others_go_on(
    bus: Bus, options: ReplayOptions, replay: Replay, letters: Letters, tmp_path: Path
) -> None:
    rows = [json.dumps(row, default=str) for row in table(20).to_pylist()]
    rows[3] = rows[3][:-5]
    rows[5] = rows[5].replace('"TX_AMOUNT": 7.5', '"TX_AMOUNT": "much"')
    rows[7] = rows[7].replace('"TERMINAL_ID": 0', '"TERMINAL": 0')
    rows[9] = rows[9].replace('"TX_FRAUD": false', '"TX_FRAUD": 7')
    path = tmp_path / "cards.jsonl"
    path.write_text("\n".join(rows))
    report = replay(options.model_copy(update={"files": (path,)}))
    assert report.accepted == {"transaction": 17, "label": 16}
    assert [(letter.position, letter.reason, letter.source) for letter in letters()] == [
        ("4", "malformed_json", "cards.jsonl"),
        ("6", "wrong_type", "cards.jsonl"),
        ("8", "missing_field", "cards.jsonl"),
        ("10", "wrong_type", "cards.jsonl"),
    ]
    assert all(b"41111111" not in record.value for log in bus.logs.values() for record in log)
    assert not any("NDExMTExMT" in letter.payload for letter in letters())


def test_events_in_wire_format_need_no_mapping(
    bus: Bus, replay: Replay, letters: Letters, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    good = [
        Transaction(event_id=f"t{n}", event_time=NOW - n, card="tok_" + "0" * 24, terminal="t", amount=1.0)
        for n in range(1_000)
    ]
    lines = [events.encode(event) for event in good]
    bad = [b"", b"{", b"[]", b'{"type":"refund"}', lines[0].replace(b"1.0", b"NaN"), b'{"type":5}']
    for number, line in enumerate(bad):
        lines.insert(number * 100, line)
    path.write_bytes(b"\n".join(lines))
    report = replay(ReplayOptions(files=(path,)))
    assert report.accepted == {"transaction": 1_000}
    assert {int(letter.position): letter.reason for letter in letters()} == {
        1: "empty", 101: "malformed_json", 201: "wrong_type", 301: "unknown_type", 401: "not_finite", 501: "wrong_type",
    }  # fmt: skip
    assert replay(
        ReplayOptions(files=(path,), end=datetime.fromtimestamp((NOW - 989) / 1_000, UTC))
    ).accepted == {"transaction": 10}


@pytest.mark.parametrize("pace", [{"speed": 0.001}, {"events_per_s": 0.5}])
def test_a_waiting_replay_can_be_stopped(
    options: ReplayOptions, replay: Replay, stop_at_first_wait: threading.Event, pace: dict[str, float]
) -> None:
    slow = options.model_copy(update=pace)
    report = replay(slow, stop=stop_at_first_wait, monotonic=lambda: 0.0)
    assert (report.end, report.sent) == ("stopped", 1)
    assert replay(options).sent == 800


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": ()},
        {"events_per_s": 5, "speed": 2},
        {"events_per_s": 0},
        {"limit": 0},
        {"start": "2020-01-01T00:00:00"},
        {"rate": 5},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReplayOptions.model_validate({"files": ["a.parquet"], **wrong})


@pytest.mark.parametrize(
    ("files", "text"), [(["none.parquet"], "there is no file"), ([__file__], "needs a mapping file")]
)
def test_wrong_files_are_refused(replay: Replay, files: list[str], text: str) -> None:
    with pytest.raises(RefuseInputError, match=text):
        replay(ReplayOptions.model_validate({"files": files}))
