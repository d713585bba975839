"""A recording says what a replay would send, and counts what it would refuse."""

from pathlib import Path

import pytest

from ingest.errors import RefuseInputError
from ingest.recorded import open_recording
from ingest.replay_items import Selection
from ingest.tokens import KEY_BYTES, Tokenizer
from models import events
from models.events import Label, Transaction

DAY = 86_400_000
TOKENIZER = Tokenizer(b"k" * KEY_BYTES)
MAP = """
event = "transaction"
[time]
column = "time"
unit = "ms"
[fields]
event_id = { column = "id" }
card = { column = "card", tokenise = true }
terminal = { column = "terminal" }
amount = { column = "amount" }
[label]
delay_days = 2.0
fraud = { column = "fraud" }
"""
ROWS = f"""time,id,card,terminal,amount,fraud
{DAY},a,4000000000000002,t1,10,0
{2 * DAY},b,4000000000000002,t1,-1,0
{4 * DAY},c,4000000000000002,t2,30,1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def test_events_come_in_order_with_their_labels_and_what_is_no_event_is_counted(folder: Path) -> None:
    recording = open_recording([folder / "rows.csv"], folder / "map.toml")
    found = [(type(e).__name__, e.event_time // DAY) for e in recording.events(TOKENIZER, Selection())]
    assert found == [("Transaction", 1), ("Label", 3), ("Transaction", 4), ("Label", 6)]
    assert recording.refused == {"out_of_range": 1}
    assert (recording.first, recording.last) == (DAY, 4 * DAY)
    assert recording.label_delay_ms == 2 * DAY


def test_only_the_selection_is_read(folder: Path) -> None:
    recording = open_recording([folder / "rows.csv"], folder / "map.toml")
    found = list(recording.events(TOKENIZER, Selection(3 * DAY, 5 * DAY)))
    assert [type(e) for e in found] == [Transaction, Label]
    assert recording.first == 4 * DAY


def test_events_in_wire_format_need_no_mapping(folder: Path) -> None:
    mapped = open_recording([folder / "rows.csv"], folder / "map.toml").events(TOKENIZER, Selection())
    sent = list(mapped)
    (folder / "events.jsonl").write_bytes(b"".join(events.encode(e) + b"\n" for e in sent))
    recording = open_recording([folder / "events.jsonl"], None)
    assert list(recording.events(TOKENIZER, Selection())) == sent
    assert (recording.first, recording.last, recording.label_delay_ms) == (DAY, 4 * DAY, 0)


def test_files_that_can_not_be_read_are_refused(folder: Path) -> None:
    with pytest.raises(RefuseInputError, match="no file"):
        open_recording([folder / "none.csv"], folder / "map.toml")
    with pytest.raises(RefuseInputError, match="needs a mapping"):
        open_recording([folder / "rows.csv"], None)
