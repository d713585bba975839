import pytest

from models.errors import RefuseSpecError
from models.expressions import feature, field
from models.features import Entity, Feature, ratio, row
from models.staging import steps_of

DAY = 86_400_000
card, terminal = Entity("card"), Entity("terminal")
amount = field("amount")


def shape(features: list[Feature]) -> list[tuple[str, list[str]]]:
    return [(key, [f.name for f in own]) for key, own in steps_of("card", features)]


def test_the_kafka_key_comes_first_even_without_features() -> None:
    assert shape([terminal.count("n", half_life_ms=DAY)]) == [("card", []), ("terminal", ["n"])]
    assert shape([row("a", amount)]) == [("card", [])]


def test_a_stage_comes_after_the_features_that_its_accumulators_read() -> None:
    features = [
        terminal.mean("risky", feature("relative"), half_life_ms=DAY),
        terminal.count("n", half_life_ms=DAY),
        row("relative", amount / feature("mean")),
        card.mean("mean", amount, half_life_ms=DAY),
    ]
    assert shape(features) == [("card", ["mean"]), ("terminal", ["risky", "n"])]


def test_the_same_key_comes_again_where_it_must() -> None:
    features = [
        card.mean("mean", amount, half_life_ms=DAY),
        card.sum("large", amount > 2 * feature("mean"), half_life_ms=DAY),
        terminal.mean("typical", feature("mean"), half_life_ms=DAY),
    ]
    assert shape(features) == [("card", ["mean"]), ("card", ["large"]), ("terminal", ["typical"])]


def test_a_circle_is_refused_by_the_names_in_it() -> None:
    circle = [
        card.mean("a", feature("b"), half_life_ms=DAY),
        terminal.mean("b", feature("a"), half_life_ms=DAY),
        card.count("fine", half_life_ms=DAY),
    ]
    with pytest.raises(RefuseSpecError, match="'a', 'b' read each other in a circle"):
        steps_of("card", circle)
    with pytest.raises(RefuseSpecError, match="circle"):
        steps_of("card", [ratio("p", "q", "q"), ratio("q", "p", "p")])
    with pytest.raises(RefuseSpecError, match="circle"):
        steps_of("card", [card.mean("self", feature("self"), half_life_ms=DAY)])
