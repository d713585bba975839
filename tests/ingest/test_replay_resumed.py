"""A replay that was stopped, or lost Kafka, goes on where it was."""

import itertools
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from replayed_cards import START, Replay, Ticks, ids, sent, table

from ingest.consumer import read_all
from ingest.door import Door
from ingest.errors import RefuseInputError, RetryLaterError
from ingest.memory import Bus, MemoryProducer
from ingest.producer import Producer
from ingest.progress_file import ReplayProgress
from ingest.replay import ReplayOptions, run_replay
from ingest.reports import FeedReport, Progress
from ingest.settings import KafkaSettings
from ingest.tokens import Tokenizer
from ingest.topics import ensure_topics
from models import events
from models.events import Transaction

NOW = 1_700_000_000_000
FDH = Path(__file__).parents[3] / "shared" / "data" / "fdh" / "fdh_2018-04-01_2018-09-04.parquet"


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
