import itertools
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.door import Door
from ingest.handbook.days import FRAUD_AMOUNT, SECONDS, make_day
from ingest.handbook.frauds import CUSTOMER_DAYS, TERMINAL_DAYS, compromised_customers, compromised_terminals
from ingest.handbook.population import populate
from ingest.handbook.settings import HandbookSettings
from ingest.handbook.stream import World, card_number
from ingest.masking import luhn
from ingest.memory import Bus
from ingest.replay import ReplayOptions, run_replay
from ingest.reports import FeedReport
from ingest.simulate import SimulationOptions, default_first_day, history, run_simulation, write_history
from ingest.tokens import Tokenizer
from models import events
from models.events import Label, Transaction

NOW = 1_700_000_000_000
DAY = 86_400_000
FIRST = date(2023, 3, 1)
SMALL = HandbookSettings(customers=60, terminals=400, seed=5)


@pytest.fixture
def world(tokenizer: Tokenizer) -> World:
    return World(SMALL, tokenizer)


def test_the_same_seed_gives_the_same_events(tokenizer: Tokenizer, world: World) -> None:
    again = World(SMALL, tokenizer)
    other = World(SMALL.model_copy(update={"seed": 6}), tokenizer)
    events_of = [list(w.events(FIRST, 3)) for w in (world, again, other)]
    assert events_of[0] == events_of[1]
    assert events_of[0] != events_of[2]
    assert {e.event_id for e in events_of[0]}.isdisjoint({e.event_id for e in events_of[2]})


def test_a_day_is_the_same_whichever_day_comes_first(world: World) -> None:
    late = [e for e in world.events(date(2023, 3, 3), 1) if isinstance(e, Transaction)]
    from_first = [e for e in world.events(FIRST, 4) if isinstance(e, Transaction)]
    assert late == [e for e in from_first if e.event_id in {e.event_id for e in late}]
    assert len(late) > 50


def test_transactions_and_labels_come_in_order_of_event_time(world: World) -> None:
    stream = list(world.events(FIRST, 10))
    times = [event.event_time for event in stream]
    assert times == sorted(times)
    transactions = {event.event_id: event for event in stream if isinstance(event, Transaction)}
    labels = [event for event in stream if isinstance(event, Label)]
    assert len(labels) == len(transactions) == len(stream) / 2
    for label in labels:
        of = transactions[label.transaction_id]
        assert (label.card, label.terminal, label.event_time) == (
            of.card,
            of.terminal,
            of.event_time + 7 * DAY,
        )
    assert len({event.event_id for event in stream}) == len(stream)


def test_every_event_is_valid(world: World) -> None:
    for event in world.events(FIRST, 2):
        assert events.decode(events.encode(event)) == event


def test_an_endless_stream_goes_on(world: World) -> None:
    event = next(itertools.islice(world.events(FIRST, None), 3_000, None))
    assert event.event_time > datetime(2023, 3, 8, tzinfo=UTC).timestamp() * 1_000


def test_history_is_what_the_stream_has(world: World, tokenizer: Tokenizer) -> None:
    rows = history(SMALL, first_day=FIRST, days=3, tokenizer=tokenizer).to_pylist()
    stream = list(world.events(FIRST, 3))
    assert [row["id"] for row in rows] == [e.event_id for e in stream if isinstance(e, Transaction)]
    verdicts = {label.transaction_id: label.fraud for label in stream if isinstance(label, Label)}
    assert {row["id"]: row["fraud"] for row in rows} == verdicts
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_written_history_can_be_replayed(
    bus: Bus, tokenizer: Tokenizer, tmp_path: Path, maps: Path, world: World
) -> None:
    path = tmp_path / "history.parquet"
    rows = write_history(path, SMALL, first_day=FIRST, days=4, tokenizer=tokenizer)
    assert rows == pq.read_metadata(path).num_rows
    options = ReplayOptions(files=(path,), mapping=maps / "history.toml")
    door = Door(bus.producer(), lambda: NOW)
    run_replay(options, door=door, tokenizer=tokenizer, stop=threading.Event(), on_progress=lambda _: None)
    replayed = [events.decode(r.value) for topic in ("transactions", "labels") for r in bus.read_all(topic)]  # type: ignore[arg-type]
    assert sorted(replayed, key=lambda e: e.event_id) == sorted(
        world.events(FIRST, 4), key=lambda e: e.event_id
    )


def test_the_population_is_the_books() -> None:
    book = HandbookSettings(customers=4_000, terminals=3_000)
    people = populate(book)
    assert 5 <= people.mean_amount.min() < 5.5
    assert 99.5 < people.mean_amount.max() <= 100
    assert abs(people.mean_amount.mean() - 52.5) < 1.5
    assert abs(people.mean_per_day.mean() - 2) < 0.06
    assert abs(people.count.mean() / (3_000 * np.pi * 25 / 10_000) - 0.96) < 0.04  # less at the plane's edges


def test_amounts_times_and_places_follow_the_book() -> None:
    quiet = HandbookSettings(
        customers=3_000, terminals=3_000, compromised_customers_per_day=0, compromised_terminals_per_day=0
    )
    people = populate(quiet)
    day = make_day(quiet, people, FIRST)
    assert abs(len(day.second) / people.mean_per_day.sum() / 0.969 - 1) < 0.05
    assert (day.second.min() > 0) & (day.second.max() < SECONDS)
    assert (np.diff(day.second) >= 0).all()
    assert abs(day.second.mean() - SECONDS / 2) < 1_000
    assert day.amount.min() >= 0
    assert abs((day.amount / people.mean_amount[day.customer]).mean() - 1.0) < 0.05
    assert (day.fraud == (day.amount > FRAUD_AMOUNT)).all()
    for customer, terminal in zip(day.customer[:50], day.terminal[:50], strict=True):
        first = people.first[customer]
        assert terminal in people.reachable[first : first + people.count[customer]]


def test_compromised_terminals_and_customers_are_frauds() -> None:
    hit = HandbookSettings(
        customers=500,
        terminals=300,
        compromised_terminals_per_day=2,
        compromised_customers_per_day=3,
        scale_frauds=False,
    )
    people = populate(hit)
    shares, factors = [], []
    for day in (make_day(hit, people, date.fromordinal(FIRST.toordinal() + n)) for n in range(40)):
        ordinal = day.date.toordinal()
        at_terminal = np.isin(day.terminal, compromised_terminals(hit, ordinal))
        of_customer = np.isin(day.customer, compromised_customers(hit, ordinal))
        assert day.fraud[at_terminal].all()
        assert not day.fraud[~at_terminal & ~of_customer & (day.amount <= FRAUD_AMOUNT)].any()
        only_card = of_customer & ~at_terminal
        shares.append(day.fraud[only_card].mean())
        factors.append((day.amount / people.mean_amount[day.customer])[only_card & day.fraud].mean())
    assert abs(np.mean(shares) - 1 / 3) < 0.04
    assert abs(np.mean(factors) - 5) < 0.5


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(700_000, 740_000))
def test_a_hit_lasts_its_days(seed: int, day: int) -> None:
    process = HandbookSettings(seed=seed, scale_frauds=False)
    runs = {
        "terminal": (compromised_terminals, TERMINAL_DAYS, 2),
        "customer": (compromised_customers, CUSTOMER_DAYS, 3),
    }
    for who, lasting, a_day in runs.values():
        today = set(who(process, day).tolist())
        assert lasting * a_day * 0.8 < len(today) <= lasting * a_day
        new = today - set(who(process, day - 1).tolist())
        assert len(new) <= a_day
        assert new <= set(who(process, day + lasting - 1).tolist())
        assert today - set(who(process, day + lasting).tolist()), "nobody stays hit for ever"


def test_frauds_scale_with_the_population() -> None:
    assert HandbookSettings(customers=5_000, terminals=10_000).customers_hit == 3
    assert HandbookSettings(customers=1_000, terminals=2_000).terminals_hit == pytest.approx(0.4)
    assert HandbookSettings(customers=1_000, scale_frauds=False).customers_hit == 3


def test_the_share_of_frauds_is_about_the_books(tokenizer: Tokenizer) -> None:
    rows = history(HandbookSettings(), first_day=FIRST, days=40, tokenizer=tokenizer)
    assert 0.004 < np.mean(rows["fraud"].to_numpy()) < 0.016


@given(st.integers(0, 10**12))
def test_card_numbers_look_like_cards(customer: int) -> None:
    assert len(card_number(customer)) == 16
    assert luhn(card_number(customer))


class Stream:
    """Runs simulations on a bus at a fixed time."""

    def __init__(self, bus: Bus, tokenizer: Tokenizer, stop: threading.Event) -> None:
        self._bus = bus
        self._tokenizer = tokenizer
        self._stop = stop

    def __call__(self, now: int = NOW, **options: Any) -> FeedReport:
        chosen = SimulationOptions(process=SMALL, **options)
        return run_simulation(
            chosen,
            door=Door(self._bus.producer(), lambda: now),
            tokenizer=self._tokenizer,
            clock=lambda: now,
            stop=self._stop,
            on_progress=lambda _: None,
        )


@pytest.fixture
def stream(bus: Bus, tokenizer: Tokenizer, stop: threading.Event) -> Stream:
    return Stream(bus, tokenizer, stop)


def test_a_live_stream_arrives_and_stays_in_the_past(bus: Bus, stream: Stream) -> None:
    report = stream(limit=2_500)
    assert (report.end, report.sent, report.rejected) == ("finished", 2_500, {})
    times = [events.decode(r.value).event_time for r in bus.read_all("transactions")]
    assert report.accepted["transaction"] == len(times)
    assert report.accepted["label"] == 2_500 - len(times) > 0
    assert max(times) < NOW


def test_a_stream_of_days_ends_with_their_labels(stream: Stream) -> None:
    report = stream(days=2, first_day=FIRST)
    assert report.accepted["transaction"] == report.accepted["label"] > 100


def test_a_stream_that_has_caught_up_waits_for_the_clock(
    bus: Bus, tokenizer: Tokenizer, stop_at_first_wait: threading.Event
) -> None:
    noon = round(datetime(2023, 3, 1, 12, tzinfo=UTC).timestamp() * 1_000)
    report = Stream(bus, tokenizer, stop_at_first_wait)(now=noon, first_day=FIRST)
    assert report.end == "stopped"
    assert report.sent > 20
    assert all(events.decode(r.value).event_time <= noon for r in bus.read_all("transactions"))


LENGTHS = st.tuples(st.none(), st.integers(1, 20)) | st.tuples(
    st.integers(1, 3_000), st.none() | st.integers(1, 20)
)


@settings(max_examples=20)
@given(LENGTHS)
def test_the_default_first_day_keeps_the_run_in_the_past(length: tuple[int | None, int | None]) -> None:
    limit, days = length
    first_day = default_first_day(SimulationOptions(process=SMALL, limit=limit, days=days), NOW)
    stream = World(SMALL, Tokenizer(bytes(32))).events(first_day, days)
    *_, last = itertools.islice(stream, limit)
    assert last.event_time < NOW


def test_a_run_without_length_begins_years_ago() -> None:
    assert default_first_day(SimulationOptions(), NOW) < date(2019, 1, 1)
