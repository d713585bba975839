"""History equals the definition: every kind of feature, and random specs on random streams."""

import random
from pathlib import Path

import pytest
from every_feature import DAY, EVERY, HOUR, amount, differences, stream, terminal_name
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from models.events import Event, Reading, Transaction
from models.expressions import Expression, coalesce, feature, log, measurement
from models.features import Entity, Feature, ratio, row
from models.generated import generated
from models.plan import compile_plan
from models.reference import Value, by_definition
from models.trust import Gate, Sensor
from processing.history import read_history, write_history
from processing.stages import featurise, history_stage

pytestmark = pytest.mark.spark


def history(
    spark: SparkSession, folder: Path, features: list[Feature], arrived: list[Event], scored: type[Event]
) -> dict[str, dict[str, Value]]:
    file = folder / f"{random.Random().randrange(2**32)}.parquet"
    write_history(arrived, scored, file)
    rows = featurise(read_history(spark, file), compile_plan(scored, features), history_stage).collect()
    return {r.event_id: {f.name: r[f.name] for f in features} for r in rows}


def check(
    spark: SparkSession,
    folder: Path,
    features: list[Feature],
    arrived: list[Event],
    scored: type[Event] = Transaction,
) -> None:
    actual = history(spark, folder, features, arrived, scored)
    expected = by_definition(scored, features, arrived)
    assert set(actual) == set(expected) == {e.event_id for e in arrived if isinstance(e, scored)}
    for event_id, values in actual.items():
        assert not differences(features, values, expected[event_id]), event_id


def test_every_kind_of_feature(spark: SparkSession, tmp_path: Path) -> None:
    arrived = stream(1, 500)
    windows = compile_plan(Transaction, EVERY).windows
    assert len({windows.start(e.event_time) for e in arrived}) > 1
    check(spark, tmp_path, EVERY, arrived)


def test_measurements_of_machines(spark: SparkSession, tmp_path: Path) -> None:
    heat, odd, machine = measurement("heat"), measurement("it's (1)"), Entity("machine")
    features = [
        row("heat", heat),
        row("both", coalesce(heat, 0) + coalesce(odd, 0)),
        machine.mean("mean", odd, half_life_ms=6 * HOUR),
        machine.deviation("deviation", heat - feature("mean"), half_life_ms=6 * HOUR),
        machine.slope("slope", heat, half_life_ms=6 * HOUR),
        machine.recent(5).change("change", odd),
        *Gate(machine, [Sensor("heat", 30, 70)], stuck_ms=6 * HOUR).features(),
    ]
    arrived = generated(Reading, 300, seed=3, days=4, measurements=["heat", "it's (1)", "noise"])
    check(spark, tmp_path, features, arrived, Reading)


@st.composite
def specs(draw: st.DrawFn) -> list[Feature]:
    """Draw up to eight features of random kinds, later ones reading earlier ones."""
    features: list[Feature] = [row("amount", amount)]
    for n in range(draw(st.integers(1, 7))):
        source = draw(st.sampled_from([amount, log(amount - 50), *(feature(f.name) for f in features)]))
        features.append(draw_feature(draw, f"f{n}", source, [f.name for f in features]))
    return features


def draw_feature(draw: st.DrawFn, name: str, x: Expression, names: list[str]) -> Feature:
    entity = Entity(draw(st.sampled_from(["card", "terminal"])))
    half_life = draw(st.integers(2 * HOUR, 3 * DAY))
    within = draw(st.integers(HOUR, 5 * DAY))
    recent = entity.recent(draw(st.integers(1, 8)))
    return draw(
        st.sampled_from(
            [
                row(name, x * 2 - 1),
                ratio(name, draw(st.sampled_from(names)), draw(st.sampled_from(names))),
                entity.count(name, half_life_ms=half_life),
                entity.sum(name, x, half_life_ms=half_life),
                entity.mean(name, x, half_life_ms=half_life),
                entity.rate(name, half_life_ms=half_life),
                entity.risk(name, half_life_ms=half_life),
                entity.frauds(name, half_life_ms=half_life),
                recent.count(name, within_ms=within),
                recent.sum(name, x, within_ms=within),
                recent.mean(name, x, within_ms=within),
                recent.min(name, x, within_ms=within),
                recent.max(name, x, within_ms=within),
                recent.distinct(name, terminal_name, within_ms=within),
                recent.previous(name, x),
                recent.change(name, x),
                recent.since(name),
            ]
        )
    )


def fits(features: list[Feature]) -> bool:
    half_lives = [f.options["half_life_ms"] for f in features if "half_life_ms" in f.options]
    history = max((f.history_ms for f in features), default=0)
    return not half_lives or 2 * max(8 * max(half_lives), history + HOUR) < 899 * min(half_lives)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(features=specs(), seed=st.integers(0, 10**6), days=st.sampled_from([0.01, 3, 40]))
def test_random_specs_on_random_streams(
    spark: SparkSession, tmp_path: Path, features: list[Feature], seed: int, days: float
) -> None:
    assume(fits(features))
    check(spark, tmp_path, features, stream(seed, 120, days=days, cards=3, terminals=3))
