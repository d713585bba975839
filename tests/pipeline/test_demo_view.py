"""The live view counts everything once, in whatever order it is heard, and its numbers are right."""

import math
import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.actions import Ack, Command
from models.scores import Reason, Score
from pipeline.demo import render, show
from pipeline.demo.latencies import Latencies
from pipeline.demo.show import LEAST_HELD, Show, Stage
from pipeline.demo.view import View
from pipeline.drain import Look
from pipeline.supervision import Phase

T0 = 1_800_000_000_000


def score(event_id: str, *, value: float = 0.1, ingested_at: int = T0, offset: int = 0) -> Score:
    return Score(
        event_id=event_id,
        event_time=T0,
        entity="tok_1",
        model="fraud",
        version="1",
        score=value,
        threshold=0.5,
        features={},
        event={"amount": 12.5},
        arrivals={},
        topic="transactions",
        partition=0,
        offset=offset,
        ingested_at=ingested_at,
    )


def command(event_id: str) -> Command:
    return Command(
        command_id=f"c-{event_id}",
        kind="block_card",
        condition="fraud",
        entity="tok_1",
        alarm_id=f"a-{event_id}",
        event_id=event_id,
        event_time=T0,
        issued_at=T0 + 50,
        expires_at=T0 + 1_000_000,
    )


def ack(event_id: str) -> Ack:
    return Ack(
        command_id=f"c-{event_id}",
        entity="tok_1",
        outcome="succeeded",
        reason="",
        at=T0,
    )


def view(*frauds: str) -> View:
    made = View({"fraud": "transaction"}, lambda alert: alert.event_id in frauds, random.Random(0))
    made.measured_from = 0
    return made


@given(st.permutations(["score", "score", "command", "command", "ack", "ack"]))
def test_redelivery_in_any_order_counts_once(order: list[str]) -> None:
    seen = view("e1")
    tell = {
        "score": lambda: seen.score(score("e1", value=0.9), T0 + 20),
        "command": lambda: seen.command(command("e1")),
        "ack": lambda: seen.ack(ack("e1"), T0 + 120),
    }
    for what in order:
        tell[what]()
    picture = seen.picture(T0 + 200)
    (model,) = picture.models
    assert (model.scored, model.alerts, model.alarms, model.outcomes) == (1, 1, 1, {"succeeded": 1})
    assert (model.to_score.count, model.to_score.p50) == (1, 20.0)
    assert (model.to_ack.count, model.to_ack.p50) == (1, 120.0)
    assert (picture.latest[0].command, picture.latest[0].why) == ("block_card succeeded", "amount 12.50")
    assert picture.latest[0].true
    assert model.precision == 1.0


def test_rates_look_back_ten_seconds_and_lag_is_what_is_not_scored() -> None:
    seen = view()
    seen.accepted["transaction"] = 300
    for n in range(200):
        seen.score(score(f"e{n}", offset=n), T0 + n * 100)
    picture = seen.picture(T0 + 20_000)
    assert picture.models[0].per_s == 10.0
    assert picture.lag == 100


def test_latencies_of_the_warm_up_do_not_count() -> None:
    seen = view()
    seen.measured_from = math.inf
    seen.score(score("e1", ingested_at=T0), T0 + 9_000)
    seen.measured_from = T0 + 10
    seen.score(score("e2", ingested_at=T0 + 5), T0 + 9_000)
    seen.score(score("e3", ingested_at=T0 + 20), T0 + 25)
    overall = seen.picture(T0 + 9_000).models[0].to_score_overall
    assert (overall.count, overall.p50) == (1, 5.0)


def test_precision_is_the_share_of_alerts_on_frauds() -> None:
    seen = view("e0", "e1", "e2")
    assert seen.picture(T0).models[0].precision is None
    for n in range(4):
        seen.score(score(f"e{n}", value=0.9), T0)
    assert seen.picture(T0).models[0].precision == 0.75


def test_models_are_counted_each_for_itself() -> None:
    events = {"fraud": "transaction", "anomaly": "reading"}
    seen = View(events, lambda _: True, random.Random(0))
    seen.accepted.update(transaction=3, reading=2)
    seen.score(score("e1", value=0.9), T0)
    hot = msgspec.structs.replace(
        score("e1", value=0.9),
        model="anomaly",
        entity="P1",
        event={"measurements": {"load": 71.2}},
        reasons=[Reason("heat", 1.0)],
    )
    seen.score(hot, T0)
    cool = {"measurements": {"load": 43.0}}
    seen.score(msgspec.structs.replace(hot, event_id="e2", score=0.1, offset=1, event=cool), T0)
    seen.score(msgspec.structs.replace(hot, model="other"), T0)
    seen.command(msgspec.structs.replace(command("e1"), condition="anomaly", kind="reduce_load"))
    picture = seen.picture(T0)
    assert [(m.model, m.event, m.accepted, m.scored, m.alarms, m.lag) for m in picture.models] == [
        ("fraud", "transaction", 3, 1, 0, 2), ("anomaly", "reading", 2, 2, 1, 0),
    ]  # fmt: skip
    assert picture.lag == 2
    assert any(": score 0.900, heat, load 71 to 43 %" in line for line in render.summary(picture, None, 0.4))
    assert [(a.model, a.why, a.command) for a in picture.latest] == [
        ("anomaly", "heat, load 71 to 43 %", "reduce_load sent")
    ]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_percentiles_are_exact_until_the_bound_and_fair_after_it(values: list[float]) -> None:
    kept = Latencies(random.Random(1), size=100)
    for n, value in enumerate(values):
        kept.add(n, value)
    overall = kept.overall()
    assert overall.count == len(values)
    assert min(values) <= overall.p50 <= overall.p99 <= max(values)
    if len(values) <= 100:
        assert (overall.p50, overall.p99) == pytest.approx(np.percentile(values, (50, 99)))
    latest = kept.since(len(values) - 1)
    assert (latest.count, latest.p50) == (1, values[-1])


def test_without_latencies_there_are_no_percentiles() -> None:
    assert math.isnan(Latencies(random.Random(1)).overall().p50)
    assert render.spread(Latencies(random.Random(1)).overall()) == "-"


def test_the_view_is_drawn_with_and_without_alarms() -> None:
    seen = view("e1")
    assert "0 alarms, precision -" in render.line("simulating", seen.picture(T0))
    seen.score(score("e1", value=0.9), T0 + 20)
    seen.command(command("e1"))
    picture = seen.picture(T0 + 100)
    assert "to score p50 20 ms, p99 20 ms" in render.line("simulating", picture)
    assert "1 alarms, precision 100%" in render.line("simulating", picture)
    assert any("latencies without the first 20 s" in line for line in render.summary(picture, 20.0, 61.2))
    assert any("waited 61 s" in line for line in render.summary(picture, 20.0, 61.2))
    assert not any("waited" in line for line in render.summary(picture, 20.0, 0.4))
    assert any("no latencies" in line for line in render.summary(picture, None, 0.4))


READY = {"query": Phase.READY, "writer": Phase.READY}
SHOW = Show(patience_s=60, play_s=120, warm_up_s=20, rate=300)
QUIET = Look(query_done=True, lags={"writer": 0}, ends={"scores": 5})


def test_the_show_goes_from_start_to_end() -> None:
    now = SHOW
    assert show.started(now, {**READY, "query": Phase.STARTING}, 1.0).stage is Stage.STARTING
    now = show.started(now, READY, 1.0)
    assert now.stage is Stage.PLAYING
    now = show.played(now, 100.0)
    now = show.looked(now, QUIET, 0, 101.0)
    assert now.stage is Stage.SETTLING
    assert show.looked(now, QUIET, 0, 102.0).stage is Stage.OVER


def test_the_show_loses_patience_when_nothing_moves() -> None:
    now = show.played(show.started(SHOW, READY, 0.0), 100.0)
    busy = Look(query_done=True, lags={"writer": 9}, ends={})
    now = show.looked(now, busy, 0, 101.0)
    assert show.looked(now, busy, 0, 160.0).stage is Stage.SETTLING
    assert show.looked(now, busy, 0, 161.0).stage is Stage.OVER
    assert show.looked(now, busy, 5, 161.0).stage is Stage.OVER


def test_the_show_waits_less_long_for_what_no_model_sees() -> None:
    unscored = Look(query_done=False, lags={"writer": 0}, ends={"scores": 5})
    now = show.looked(show.played(show.started(SHOW, READY, 0.0), 100.0), unscored, 7, 101.0)
    now = show.looked(now, unscored, 6, 120.0)
    now = show.looked(now, unscored, 6, 120.0 + show.UNSEEN_S - 1)
    assert now.earlier is not None
    assert not now.earlier.quiet
    now = show.looked(now, unscored, 6, 120.0 + show.UNSEEN_S)
    assert now.stage is Stage.SETTLING
    assert show.looked(now, unscored, 6, 121.0 + show.UNSEEN_S).stage is Stage.OVER


def test_the_show_waits_for_a_slow_machine_while_less_and_less_is_left() -> None:
    now = show.played(show.started(SHOW, READY, 0.0), 100.0)
    behind = Look(query_done=False, lags={"writer": 9}, ends={})
    for unscored in range(20, 0, -1):
        now = show.looked(now, behind, unscored, now.settle_by - 1)
        assert now.stage is Stage.SETTLING


def test_latencies_count_from_when_the_backlog_of_the_warm_up_is_gone() -> None:
    now = show.started(SHOW, READY, 10.0)
    assert not show.warmed(now, lag=0, now=99.0).warm, "nothing was scored yet"
    now = show.scoring(show.scoring(now, 40.0), 50.0)
    assert not show.warmed(now, lag=0, now=59.0).warm
    assert not show.warmed(now, lag=300, now=61.0).warm
    assert show.warmed(now, lag=299, now=61.0).warm


def test_sources_wait_while_the_query_has_more_than_a_seconds_events_before_it() -> None:
    assert not show.holds(SHOW, 300)
    assert show.holds(SHOW, 301)
    slow = replace(SHOW, rate=2)
    assert not show.holds(slow, LEAST_HELD)
    assert show.holds(slow, LEAST_HELD + 1)


def test_it_plays_for_so_long_from_the_first_scores_on() -> None:
    now = show.started(SHOW, READY, 10.0)
    assert not show.is_enough(now, 999.0), "nothing was scored yet"
    now = show.scoring(now, 40.0)
    assert not show.is_enough(now, 159.0)
    assert show.is_enough(now, 160.0)
    assert not show.is_enough(show.played(now, 150.0), 160.0)
