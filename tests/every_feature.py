"""One feature of every kind over two entities, some of them reading others; and streams that are hard on them."""

import random

from models.events import Event, Label, Transaction
from models.expressions import (
    absolute,
    coalesce,
    cosine,
    day_of_week,
    exp,
    feature,
    field,
    hour_of_day,
    is_null,
    log,
    lookup,
    sine,
    sqrt,
    where,
)
from models.features import Entity, Feature, ratio, row
from models.reference import Value

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_520_000_000_000

amount = field("amount")
terminal_name = field("terminal", "text")
card, terminal = Entity("card"), Entity("terminal")
last = card.recent(6)

EVERY: list[Feature] = [
    row("amount", amount),
    row("hour", hour_of_day()),
    row("weekend", day_of_week() >= 5),
    row("known", lookup(terminal_name, {"t1": 1, "t{2}'\\": 2}, -1)),
    row(
        "pieces",
        where((amount > 100) & ~(hour_of_day() <= 6) | (terminal_name == "t3"), sqrt(amount), -amount),
    ),
    row("curve", absolute(exp(log(amount) / 2) - 3)),
    row("wave", sine(hour_of_day()) + cosine(amount)),
    row("large_only", where(amount > 100, amount, None)),
    row("filled", coalesce(log(amount - 100), -5)),
    row("undefined", is_null(feature("slope"))),
    card.count("count", half_life_ms=DAY),
    card.sum("sum", amount, half_life_ms=DAY),
    card.mean("mean", amount, half_life_ms=DAY),
    card.mean("mean_of_some", log(amount - 100), half_life_ms=DAY),
    card.variance("variance", amount, half_life_ms=DAY),
    card.deviation("deviation", amount, half_life_ms=DAY),
    card.rate("rate", half_life_ms=6 * HOUR),
    card.slope("slope", amount, half_life_ms=DAY),
    card.behind("behind"),
    card.risk("card_risk", half_life_ms=DAY),
    card.distinct("terminals", terminal_name),
    last.count("recent_count", within_ms=2 * DAY),
    last.sum("recent_sum", amount, within_ms=2 * DAY),
    last.mean("recent_mean", log(amount - 50), within_ms=3 * DAY),
    last.min("recent_min", amount, within_ms=3 * DAY),
    last.max("recent_max", amount, within_ms=3 * DAY),
    last.distinct("recent_distinct", terminal_name, within_ms=3 * DAY),
    last.previous("previous", amount),
    last.change("change", amount),
    last.since("since"),
    last.distance("distance", amount / 10 - 10, amount),
    last.speed("speed", amount / 10 - 10, amount),
    row("relative", amount / feature("mean")),
    ratio("share", "recent_sum", "sum"),
    terminal.mean("terminal_relative", feature("relative"), half_life_ms=DAY),
    terminal.risk("risk", half_life_ms=DAY),
    terminal.frauds("frauds", half_life_ms=DAY),
    terminal.labels("labelled", half_life_ms=DAY),
    terminal.recent(4).max("terminal_max", feature("relative"), within_ms=DAY),
    card.sum("large", feature("amount") > 1.5 * feature("mean"), half_life_ms=DAY),
    ratio("against_terminal", "relative", "terminal_relative"),
]


def stream(
    seed: int, events: int, *, days: float = 60, cards: int = 8, terminals: int = 6, late_days: float = 2
) -> list[Event]:
    """Return events and labels in an order of arrival with ties, gaps, late and out-of-order events."""
    rng = random.Random(seed)
    arrivals: list[tuple[float, Event]] = []
    for n in range(events):
        day = rng.randrange(int(days * 4) + 1) / 4 if rng.random() < 0.4 else rng.uniform(0, days)
        when = START + int(day * DAY)
        late = rng.uniform(0, late_days) * DAY if rng.random() < 0.2 else 0
        sale = Transaction(
            event_id=f"{rng.randrange(16**6):06x}-{n}",
            event_time=when,
            card=f"tok_{rng.randrange(cards):024x}",
            terminal=f"t{rng.randrange(terminals)}",
            amount=round(rng.uniform(1, 200), rng.choice((0, 2, 5))),
        )
        arrivals.append((when + late, sale))
        if rng.random() < 0.8:
            verdict = Label(
                event_id=f"L-{sale.event_id}",
                event_time=when + DAY,
                transaction_id=sale.event_id,
                card=sale.card,
                terminal=sale.terminal,
                fraud=rng.random() < 0.3,
            )
            arrivals.append((when + DAY + late / 2, verdict))
    return [event for _, event in sorted(arrivals, key=lambda pair: pair[0])]


def differences(
    features: list[Feature], actual: dict[str, Value], expected: dict[str, Value]
) -> dict[str, tuple[Value, Value]]:
    """Return the features that differ by more than 1e-9 of the larger of 1 and the value, a sketch by more than 5 %."""
    found = {}
    for f in features:
        a, e = actual[f.name], expected[f.name]
        allowed = 0.05 if f.kind == "distinct" else 1e-7 if f.kind == "deviation" else 1e-9
        if (a is None) != (e is None) or (
            a is not None and e is not None and abs(a - e) > allowed * max(1, abs(e))
        ):
            found[f.name] = (a, e)
    return found
