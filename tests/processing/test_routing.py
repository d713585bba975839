"""Score rows in Spark: who acts, what the others say, why; the same rule as `models.serving` has it."""

import json
import re
from typing import Any

import msgspec
import pytest
from fraud_artifact import handmade
from pyspark.sql import SparkSession

from models import scores
from models.artifact import Artifact, seal
from models.compiled import Compiled
from models.deployment import Candidate, first, with_shadow
from models.events import Transaction
from models.expressions import field
from models.features import row
from models.plan import Plan, Stage, compile_plan
from models.scores import Reason, Score, Shadow
from models.service import NEVER, Service, alone, serve, warming
from models.serving import Serving, acting, begun, switched
from processing.routing import routed
from processing.stages import featurise, history_stage, streaming_stage
from processing.topics import Topics

pytestmark = pytest.mark.spark

TOPICS = Topics("none", {}, {}, "features", "scores", "alerts", "dead-letters")
DAY = 86_400_000
FIELDS = ["event_id", "event_time", "card", "amount"]
COLUMNS = (
    "event_id string, event_time bigint, card string, amount double, topic string, partition int, offset bigint, "
    "ingested_at bigint, card_events bigint, card_labels bigint, total double, {extra} double"
)


def plan(feature: str, sql: str) -> Plan:
    stage = Stage(
        "card", {"card_state_0": "sum(amount)"}, {"card_events": "1", "card_labels": "1"}, {feature: sql}
    )
    return Plan("card", FIELDS, {}, [stage], {}, [feature], 4, 1)


def model(version: str, plan: Plan, compiled: Compiled, threshold: float) -> Artifact:
    base = handmade("0.5D", threshold)
    return seal(msgspec.structs.replace(base, version=version, plan=plan, compiled=compiled, checksum=""))


ONE = model(
    "1.1",
    plan("total", "card_state_0"),
    Compiled([{"_half": "total / 2"}], "_half", {"total": "_half", "amount": "-amount"}),
    0.5,
)
TWO = model("1.2", plan("total", "card_state_0 * 10"), Compiled([{"_half": "total - 1"}], "_half", {}), 0.25)
PLANS = {"1.1": ONE.plan, "1.2": TWO.plan}
ARTIFACTS = {"1.1": ONE, "1.2": TWO}


def serving() -> Serving:
    started = begun(with_shadow(first("fraud", "1.1", 0), "1.2", 0), PLANS, 0)
    moved = switched(started, "1.2", {0: 10, 1: 20}, 1)
    return switched(moved, "1.1", {0: 15, 1: 20}, 2)


def written(spark: SparkSession, service: Service, places: list[tuple[int, int]]) -> list[tuple[str, Score]]:
    rows = [(f"e{p}-{o}", 5, "c1", 0.5, "transactions", p, o, 7, 3, 0, o / 100, o / 50) for p, o in places]
    features = spark.createDataFrame(rows, COLUMNS.format(extra="total_v1_2"))
    found = routed(features, service, TOPICS).collect()
    return [(row.topic, scores.decode(row.value.encode())) for row in found]


PLACES = [(p, o) for p in (0, 1, 2) for o in (0, 9, 10, 14, 15, 19, 20, 90)]


def test_the_version_that_acts_is_the_one_that_the_rule_names(spark: SparkSession) -> None:
    served = serving()
    found = written(spark, serve(served, ARTIFACTS), PLACES)
    scored = {(s.partition, s.offset): s for topic, s in found if topic == "scores"}
    assert {place: s.version for place, s in scored.items()} == {p: acting(served, *p) for p in PLACES}
    assert {s.version for s in scored.values()} == {"1.1", "1.2"}
    alerts = {(s.partition, s.offset) for topic, s in found if topic == "alerts"}
    assert alerts == {place for place, s in scored.items() if s.is_alert}


def test_a_row_holds_the_acting_versions_own_features_and_what_the_others_say(spark: SparkSession) -> None:
    rows = {
        (s.partition, s.offset): s
        for topic, s in written(spark, serve(serving(), ARTIFACTS), [(0, 12), (0, 90)])
        if topic == "scores"
    }
    by_two, by_one = rows[0, 12], rows[0, 90]
    assert (by_two.version, by_two.features, by_two.threshold) == ("1.2", {"total": 0.24}, 0.25)
    assert by_two.score == pytest.approx(0.24 - 1)
    assert by_two.shadows == [Shadow("1.1", 0.06, 0.5)]
    assert by_two.reasons == []
    assert (by_one.version, by_one.features, by_one.score) == ("1.1", {"total": 0.9}, 0.45)
    assert by_one.shadows == [Shadow("1.2", pytest.approx(0.8), 0.25)]
    assert by_one.reasons == [Reason("amount", -0.5), Reason("total", 0.45)]
    assert by_one.event == {"card": "c1", "amount": 0.5}
    assert by_one.arrivals == {"card_events": 3, "card_labels": 0}


def test_what_an_estimator_says_beside_its_score_is_in_the_row(spark: SparkSession) -> None:
    says = {"lower": "_half - 1", "upper": "total + 1", "nothing": "double('NaN')"}
    telling = model("1.1", ONE.plan, Compiled([{"_half": "total / 2"}], "_half", {}, says), 0.5)
    ((_, score),) = written(spark, alone(telling), [(0, 50)])
    assert score.outputs == {"lower": -0.75, "upper": 1.5, "nothing": None}


def test_a_model_may_alert_below_its_threshold(spark: SparkSession) -> None:
    low = seal(msgspec.structs.replace(ONE, below=True, threshold=0.1, checksum=""))
    found = written(spark, alone(low), [(0, 10), (0, 20), (0, 30)])
    assert [(topic, s.offset, s.is_alert) for topic, s in found] == [
        ("scores", 10, True), ("alerts", 10, True), ("scores", 20, True), ("alerts", 20, True), ("scores", 30, False),
    ]  # fmt: skip


def test_a_model_sees_only_the_events_that_it_asks_for(spark: SparkSession) -> None:
    rows = spark.sql(
        "select id as event_id, 1000L as event_time, card, 1D as amount, fraud, id as arrival, 'c' as topic, 0 as partition, "
        "0L as offset, 0L as ingested_at, timestamp_millis(1000) as t from values ('0', 'two', true), ('a', 'one', null), "
        "('b', 'two', null), ('c', null, null) as v(id, card, fraud)"
    )
    plan = compile_plan(Transaction, [row("amount", field("amount"))], {"card": "two"})
    events = featurise(rows, plan, history_stage).collect()
    assert [(r.event_id, r.card_labels) for r in events] == [("b", 1)]


def test_at_most_five_reasons_are_given_the_strongest_first(spark: SparkSession) -> None:
    pushes = {f"f{i}": f"{sign}{i}D" for i, sign in enumerate(["", "-", "", "-", "", "-", ""])}
    many = model("1.1", ONE.plan, Compiled([], "0.5D", pushes), 0.9)
    ((_, score),) = written(spark, alone(many), [(0, 0)])
    assert [(r.feature, r.contribution) for r in score.reasons] == [
        ("f6", 6.0), ("f5", -5.0), ("f4", 4.0), ("f3", -3.0), ("f2", 2.0),
    ]  # fmt: skip


def test_a_contribution_that_is_no_number_pushes_nothing(spark: SparkSession) -> None:
    pushes = {"gone": "cast(null as double)", "odd": "0D / nullif(0D, 0D)", "nan": "double('NaN')", "a": "1D"}
    ((_, score),) = written(spark, alone(model("1.1", ONE.plan, Compiled([], "0.5D", pushes), 0.9)), [(0, 0)])
    assert score.reasons[0] == Reason("a", 1.0)
    assert {r.contribution for r in score.reasons[1:]} == {0.0}


def test_rows_before_the_take_over_are_not_written_again(spark: SparkSession) -> None:
    live = msgspec.structs.replace(serving(), live_from={0: 14, 1: 20})
    found = written(spark, serve(live, ARTIFACTS), PLACES)
    assert {(s.partition, s.offset) for _, s in found} == {
        (p, o) for p, o in PLACES if o >= {0: 14, 1: 20, 2: 0}[p]
    }


def test_warming_writes_nothing(spark: SparkSession) -> None:
    service = warming("transaction", Candidate("fraud-x", serving().layout, {}))
    assert written(spark, service, [(0, 0), (1, NEVER - 1)]) == []


def test_what_a_stage_keeps_does_not_depend_on_who_reads_it(spark: SparkSession) -> None:
    sums = {
        "card_state_0": "sum(amount)",
        "card_state_1": "max(amount)",
        "card_state_2": "count_if(amount > 1)",
    }
    layout = Plan(
        "card",
        FIELDS,
        {},
        [Stage("card", sums, {"card_events": "count(1)"}, {})],
        {},
        ["a", "b", "c"],
        4 * DAY,
        DAY,
    )
    layout.stages[0].values.update(zip("abc", sums, strict=True))
    plans = [
        optimized(spark, service)
        for service in (
            warming("transaction", Candidate("fraud-x", layout, {})),
            served(layout, {}),
            served(layout, {"b": "card_state_1"}),
            served(layout, {"c": "card_state_2", "a": "card_state_0"}),
            served(layout, {"d": "card_state_2 / card_state_1"}),
        )
    ]
    kept = [re.findall(r"(sum|max|count|last)\(", aggregate(text)) for text in plans]
    assert kept[0] == ["last", "sum", "max", "count", "count"]
    assert all(each == kept[0] for each in kept)


def served(layout: Plan, values: dict[str, str]) -> Service:
    stage = msgspec.structs.replace(layout.stages[0], values=values)
    own = msgspec.structs.replace(layout, stages=[stage], features=list(values))
    artifact = model("1.1", own, Compiled([], "0.5D", {}), 0.5)
    started = begun(first("fraud", "1.1", 0), {"1.1": layout}, 0)
    return serve(started, {"1.1": artifact})


def optimized(spark: SparkSession, service: Service) -> str:
    rows = spark.range(3).selectExpr(
        "string(id) as event_id", "id as event_time", "'c' as card", "double(id) as amount",
        "cast(null as boolean) as fraud", "'t' as topic", "0 as partition", "id as offset", "id as ingested_at",
        "timestamp_millis(id) as t",
    )  # fmt: skip
    found = routed(featurise(rows, service.layout, streaming_stage), service, TOPICS)
    return str(found._jdf.queryExecution().optimizedPlan().toString())


def aggregate(plan: str) -> str:
    return next(line for line in plan.splitlines() if "Aggregate [" in line)


def test_a_row_is_json_that_any_reader_takes(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("e", 5, "c", 0.5, "t", 0, 0, 7, 3, 0, None, 0.0)], COLUMNS.format(extra="total_v1_2")
    )
    never_null = model("1.1", ONE.plan, Compiled([], "0.1D", {}), 0.9)
    (found,) = routed(rows, alone(never_null), TOPICS).collect()
    value: dict[str, Any] = json.loads(found.value)
    assert value["features"] == {"total": None}
    assert "shadows" not in value
    assert found.key == "c"
