import itertools
import json
import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.consumer import read_all
from ingest.door import Door
from ingest.errors import RefuseInputError, RetryLaterError
from ingest.labels import interleave
from ingest.memory import Bus, MemoryProducer
from ingest.offers import Offer
from ingest.ports import Record
from ingest.producer import Producer
from ingest.progress_file import ReplayProgress
from ingest.replay import ReplayOptions, run_replay
from ingest.reports import FeedReport, Progress
from ingest.rows import label_of
from ingest.settings import KafkaSettings
from ingest.tokens import Tokenizer
from ingest.topics import ensure_topics
from models import events
from models.dead_letters import DeadLetter
from models.events import Label, Transaction

NOW = 1_700_000_000_000
FDH = Path(__file__).parents[3] / "shared" / "data" / "fdh" / "fdh_2018-04-01_2018-09-04.parquet"
DAY = 86_400_000
START = datetime(2020, 1, 1, tzinfo=UTC)
Letters = Callable[[], list[DeadLetter]]

Replay = Callable[..., FeedReport]


class Ticks:
    """A monotonic clock that advances by a step each time it is asked."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._step_s
        return self._now


def table(count: int) -> pa.Table:
    return pa.table(
        {
            "TRANSACTION_ID": range(count),
            "TX_DATETIME": [(START + timedelta(hours=n)).replace(tzinfo=None) for n in range(count)],
            "CUSTOMER_ID": [f"41111111{n % 5}" for n in range(count)],
            "TERMINAL_ID": [n % 7 for n in range(count)],
            "TX_AMOUNT": [1.5 * n for n in range(count)],
            "TX_FRAUD": [n % 10 == 0 for n in range(count)],
        }
    )


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "cards.parquet"
    pq.write_table(table(400), path)
    return path


@pytest.fixture
def options(parquet: Path, maps: Path, tmp_path: Path) -> ReplayOptions:
    return ReplayOptions(
        files=(parquet,), mapping=maps / "fdh.toml", progress_file=tmp_path / "progress.json"
    )


@pytest.fixture
def replay(bus: Bus, tokenizer: Tokenizer, stop: threading.Event) -> Replay:
    def run(options: ReplayOptions, **changes: Any) -> FeedReport:
        given: dict[str, Any] = {
            "door": Door(bus.producer(), lambda: NOW),
            "tokenizer": tokenizer,
            "stop": stop,
            "on_progress": lambda _: None,
            "monotonic": Ticks(0.001),
        }
        return run_replay(options, **(given | changes))

    return run


def sent(bus: Bus) -> list[events.AnyEvent]:
    """Everything on the bus, in the order of its sending per topic."""
    return [events.decode(r.value) for topic in ("transactions", "labels") for r in bus.read_all(topic)]  # type: ignore[arg-type]


def ids(records: Sequence[Record]) -> list[str]:
    return [events.decode(record.value).event_id for record in records]


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


class Recorder:
    """A producer that remembers the order across topics."""

    def __init__(self, inner: MemoryProducer) -> None:
        self._inner = inner
        self.order: list[events.AnyEvent] = []

    def send(self, topic: Any, key: bytes | str, value: bytes, **rest: Any) -> None:
        self._inner.send(topic, key, value, **rest)
        self.order.append(events.decode(value))

    def flush(self) -> None:
        self._inner.flush()


def test_labels_are_interleaved_by_event_time(bus: Bus, options: ReplayOptions, replay: Replay) -> None:
    recorder = Recorder(bus.producer())
    replay(options, door=Door(recorder, lambda: NOW))
    times = [event.event_time for event in recorder.order]
    assert times == sorted(times)
    assert isinstance(recorder.order[168], Label)
    assert recorder.order[167:170] != sorted(recorder.order[167:170], key=lambda event: event.event_id)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.none() | st.integers(1, 3_000)), max_size=40))
def test_interleaving_loses_nothing_and_keeps_the_order(rows: list[tuple[int, int | None]]) -> None:
    rows.sort(key=lambda row: row[0])
    stream = []
    for number, (time, delay) in enumerate(rows):
        event = Transaction(event_id=str(number), event_time=time, card="c", terminal="t", amount=1.0)
        label = None if delay is None else Offer(label_of(event, fraud=True, delay_ms=delay), "s", number)
        stream.append((Offer(event, "s", number), label))
    merged = [item.event for item in interleave(stream) if isinstance(item, Offer)]
    assert [event.event_time for event in merged] == sorted(event.event_time for event in merged)
    assert sorted(event.event_id for event in merged) == sorted(
        offer.event.event_id for pair in stream for offer in pair if offer is not None
    )


def stop_after(count: int, stop: threading.Event, bus: Bus) -> Door:
    class Stopping(Door):
        def take(self, item: Any) -> bool:
            if self.accepted.total() + 1 >= count:
                stop.set()
            return super().take(item)

    return Stopping(bus.producer(), lambda: NOW)


@pytest.mark.parametrize("parts", [[300], [1, 1, 1], [170, 230], [799], [800]])
def test_a_stopped_replay_goes_on_where_it_was(
    bus: Bus, options: ReplayOptions, replay: Replay, stop: threading.Event, parts: list[int]
) -> None:
    for done, count in zip(itertools.accumulate(parts), parts, strict=True):
        stop.clear()
        report = replay(options, door=stop_after(count, stop, bus))
        assert (report.sent, report.end) == (done, "stopped" if done < 800 else "finished")
    stop.clear()
    replay(options)
    assert ids(list(bus.read_all("transactions"))) == [f"fdh-{n}" for n in range(400)]
    assert ids(list(bus.read_all("labels"))) == [f"L-fdh-{n}" for n in range(400)]
    again = replay(options)
    assert (again.end, again.sent, again.accepted) == ("already finished", 800, {})
    assert len(sent(bus)) == 800


class Failing(MemoryProducer):
    """A producer whose Kafka goes away: from some flush on, nothing of what was sent since the last is there."""

    def __init__(self, bus: Bus, good_flushes: int) -> None:
        super().__init__(bus)
        self._left = good_flushes
        self._kept = {where: len(log) for where, log in bus.logs.items()}

    def flush(self) -> None:
        if self._left == 0:
            for where, log in self._bus.logs.items():
                del log[self._kept[where] :]
            raise RetryLaterError("gone")
        self._left -= 1
        self._kept = {where: len(log) for where, log in self._bus.logs.items()}


@given(good_flushes=st.lists(st.integers(0, 5), max_size=4), seed=st.integers(0, 99))
def test_unacknowledged_records_are_sent_again(
    tmp_path_factory: pytest.TempPathFactory, good_flushes: list[int], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("replay")
    pq.write_table(table(60), folder / "cards.parquet")
    options = ReplayOptions(
        files=(folder / "cards.parquet",),
        mapping=Path(__file__).parents[2] / "maps" / "fdh.toml",
        progress_file=folder / "progress.json",
        checkpoint_every_s=random.Random(seed).uniform(0.01, 0.1),
    )
    bus = Bus(KafkaSettings(bootstrap_servers="none:1"), lambda: NOW)

    def run(producer: MemoryProducer) -> FeedReport:
        return run_replay(
            options,
            door=Door(producer, lambda: NOW),
            tokenizer=Tokenizer(bytes(32)),
            stop=threading.Event(),
            on_progress=lambda _: None,
            monotonic=Ticks(0.001),
        )

    for flushes in good_flushes:
        try:
            run(Failing(bus, flushes))
        except RetryLaterError:
            continue
    run(bus.producer())
    assert ids(list(bus.read_all("transactions"))) == [f"fdh-{n}" for n in range(60)]
    assert ids(list(bus.read_all("labels"))) == [f"L-fdh-{n}" for n in range(60)]


def test_another_replay_does_not_take_over_the_progress(options: ReplayOptions, replay: Replay) -> None:
    replay(options)
    for change in ({"limit": 5}, {"start": START}, {"mapping": None, "files": (Path("x.jsonl"),)}):
        with pytest.raises(RefuseInputError):
            replay(options.model_copy(update=change))
    with pytest.raises(RefuseInputError, match="belongs to a replay of other files, mapping, key"):
        replay(options, tokenizer=Tokenizer(bytes(32)))
    assert replay(options.model_copy(update={"limit": 5, "restart": True})).sent == 10


def test_a_damaged_progress_file_is_refused(options: ReplayOptions, replay: Replay) -> None:
    assert options.progress_file is not None
    options.progress_file.write_text('{"replay": 1')
    with pytest.raises(RefuseInputError, match="restart"):
        replay(options)
    assert replay(options.model_copy(update={"restart": True})).end == "finished"
    assert ReplayProgress.model_validate_json(options.progress_file.read_bytes()).finished


def test_a_restart_forgets_the_progress(bus: Bus, options: ReplayOptions, replay: Replay) -> None:
    replay(options)
    assert replay(options.model_copy(update={"restart": True})).sent == 800
    assert len(sent(bus)) == 1_600


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


@pytest.mark.kafka
@pytest.mark.skipif(not FDH.exists(), reason=f"the handbook's file is not at {FDH}")
def test_the_handbooks_file_arrives_in_kafka_through_a_stop(
    kafka_settings: KafkaSettings, maps: Path, tmp_path: Path, tokenizer: Tokenizer, stop: threading.Event
) -> None:
    ensure_topics(kafka_settings)
    options = ReplayOptions(
        files=(FDH,), mapping=maps / "fdh.toml", progress_file=tmp_path / "p.json", limit=5_000
    )

    def run(on_progress: Callable[[Progress], None]) -> FeedReport:
        with Producer(kafka_settings) as producer:
            door = Door(producer, lambda: NOW)
            return run_replay(
                options,
                door=door,
                tokenizer=tokenizer,
                stop=stop,
                on_progress=on_progress,
                monotonic=Ticks(0.001),
            )

    assert run(lambda progress: stop.set() if progress.sent > 1_000 else None).end == "stopped"
    stop.clear()
    assert (run(lambda _: None).end, run(lambda _: None).end) == ("finished", "already finished")
    assert ids(list(read_all(kafka_settings, "transactions"))) == [f"fdh-{n}" for n in range(5_000)]
    assert ids(list(read_all(kafka_settings, "labels"))) == [f"L-fdh-{n}" for n in range(5_000)]
    assert list(read_all(kafka_settings, "dead-letters")) == []
    first = events.decode(next(read_all(kafka_settings, "transactions")).value)
    assert first == Transaction(
        event_id="fdh-0",
        event_time=1_522_540_831_000,
        card=tokenizer.token("596"),
        terminal="3156",
        amount=57.16,
    )
