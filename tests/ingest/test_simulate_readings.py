import threading
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.door import Door
from ingest.fleet import truth as truths
from ingest.fleet.history import write_history
from ingest.fleet.orders import Order
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import readings
from ingest.fleet.truth import Truth
from ingest.memory import Bus
from ingest.recorded import open_recording
from ingest.replay_items import Selection
from ingest.reports import FeedReport
from ingest.simulate_readings import (
    ReadingOptions,
    default_start,
    fleet_of,
    run_reading_simulation,
    tell_open,
)
from ingest.tokens import Tokenizer
from models import events
from models.events import Reading

NOW = 1_700_000_000_000
HOUR = 3_600_000
FLEET = FleetSettings(machines=10, faults_per_machine_day=3, sensor_faults_per_machine_day=3, duplicates=0.01)


def run(bus: Bus, options: ReadingOptions, now: int = NOW, **given: Any) -> FeedReport:
    chosen: dict[str, Any] = {"stop": threading.Event(), "on_progress": lambda _: None, **given}
    door = Door(bus.producer(), lambda: now)
    return run_reading_simulation(fleet_of(options, now), options, door=door, clock=lambda: now, **chosen)


def sent(bus: Bus) -> list[Reading]:
    found = [events.decode(record.value) for record in bus.read_all("readings")]
    assert all(isinstance(event, Reading) for event in found)
    return [event for event in found if isinstance(event, Reading)]


def test_so_many_hours_arrive_and_lie_in_the_past(bus: Bus) -> None:
    report = run(bus, ReadingOptions(fleet=FLEET, hours=24))
    assert (report.end, report.rejected) == ("finished", {})
    found = sent(bus)
    assert report.accepted["reading"] == report.sent == len(found)
    assert len({reading.event_id for reading in found}) < len(found)
    assert len(found) == pytest.approx(14_400, rel=0.05)
    assert max(reading.event_time for reading in found) < NOW
    assert {reading.machine for reading in found} == set(fleet_of(ReadingOptions(fleet=FLEET), NOW).names)


def test_a_limit_ends_the_run(bus: Bus) -> None:
    report = run(bus, ReadingOptions(fleet=FLEET, limit=123))
    assert (report.end, report.sent) == ("finished", 123)


def test_a_stream_that_has_caught_up_waits_for_the_clock(
    bus: Bus, stop_at_first_wait: threading.Event
) -> None:
    begin = datetime.fromtimestamp(NOW / 1_000 - 3_600, UTC)
    report = run(bus, ReadingOptions(fleet=FLEET, start=begin), stop=stop_at_first_wait)
    assert report.end == "stopped"
    times = [reading.event_time for reading in sent(bus)]
    assert len(times) > 500
    assert NOW - 60_000 < max(times) <= NOW


def test_the_truth_is_told_with_what_is_still_open(bus: Bus) -> None:
    told: list[Truth] = []
    run(bus, ReadingOptions(fleet=FLEET, hours=30), on_truth=told.append)
    by_kind = Counter(truth.what for truth in told)
    assert by_kind["fault"] > 5
    assert by_kind["sensor"] > 20
    assert by_kind["clock"] > 0
    assert {truth.end is None for truth in told} == {True, False}
    assert [truths.decode(truths.encode(truth)) for truth in told] == told


def test_orders_are_carried_out_and_told(bus: Bus) -> None:
    told: list[Truth] = []
    waiting = [Order("P0001", "stop_machine"), Order("elsewhere", "stop_machine")]

    def orders() -> Iterable[Order]:
        found, waiting[:] = list(waiting), []
        return found

    run(bus, ReadingOptions(fleet=FLEET, hours=1), orders=orders, on_truth=told.append)
    assert [(t.machine, t.kind) for t in told if t.what == "command"] == [("P0001", "stop_machine")]
    speeds = [r.measurements["speed"] for r in sent(bus) if r.machine == "P0001"]
    assert all(speed is None or speed < 10 for speed in speeds)


def test_a_written_file_holds_the_live_streams_readings(
    bus: Bus, tmp_path: Path, maps: Path, tokenizer: Tokenizer
) -> None:
    options = ReadingOptions(fleet=FLEET, hours=6, start=datetime(2023, 3, 1, tzinfo=UTC))
    path = tmp_path / "readings.parquet"
    fleet, told = fleet_of(options, NOW), list[Truth]()
    assert options.ticks is not None
    rows = write_history(path, fleet, options.ticks, told.append)
    tell_open(fleet, told.append)
    assert rows == pq.read_metadata(path).num_rows
    live_truths: list[Truth] = []
    live = fleet_of(options, NOW)
    streamed = {r.event_id: r for r in readings(live, options.ticks, tuple, live_truths.append)}
    tell_open(live, live_truths.append)
    recording = open_recording([path], maps / "readings.toml")
    found = list(recording.events(tokenizer, Selection()))
    assert recording.refused == {}
    assert [event.event_id for event in found] == list(streamed)
    for event in found:
        assert isinstance(event, Reading)
        expected = streamed[event.event_id]
        of_class = {name: event.measurements.get(name) for name in expected.measurements}
        others = set(event.measurements) - set(expected.measurements)
        assert of_class == expected.measurements
        assert {event.measurements[name] for name in others} == {None}
        assert (event.event_time, event.machine, event.machine_class, event.latitude, event.longitude) == (
            expected.event_time,
            expected.machine,
            expected.machine_class,
            expected.latitude,
            expected.longitude,
        )
    assert told == live_truths


@settings(max_examples=30, deadline=None)
@given(
    st.none() | st.integers(1, 2_000), st.none() | st.integers(1, 20), st.sampled_from([30.0, 300.0, 3_600.0])
)
def test_the_default_start_keeps_the_run_in_the_past(
    limit: int | None, hours: int | None, every: float
) -> None:
    fleet = FleetSettings(machines=3, every_s=every)
    options = ReadingOptions(fleet=fleet, limit=limit, hours=hours)
    start = default_start(options, NOW)
    assert start % HOUR == 0
    assert start < NOW - HOUR // 2
    if limit is None and hours is None:
        assert start < NOW - 300 * 24 * HOUR
        return
    stream = readings(fleet_of(options, NOW), options.ticks, tuple, lambda _: None)
    last = max(r.event_time for _, r in zip(range(limit or 10**6), stream, strict=False))
    assert last < NOW


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": 0},
        {"limit": 0},
        {"events_per_s": -1},
        {"start": datetime(2023, 3, 1)},  # noqa: DTZ001 - a time without zone is what is refused
        {"fleet": {"machine": 3}},
    ],
)
def test_senseless_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReadingOptions(**wrong)


def test_the_maps_of_the_data_sets_read_them(maps: Path, tokenizer: Tokenizer) -> None:
    path = Path(__file__).parents[3] / "shared/data/azure_pdm/PdM_telemetry.parquet"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    recording = open_recording([path], maps / "azure_pdm.toml")
    found = list(recording.events(tokenizer, Selection(limit=3_000)))
    assert recording.refused == {}
    assert len({event.event_id for event in found}) == len(found) == 3_000
    assert all(isinstance(e, Reading) and None not in e.measurements.values() for e in found)
