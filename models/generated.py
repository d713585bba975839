"""Made-up events of any type, for checking a model before it has seen data: ties, gaps, late ones, and extreme ones."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models import events, schema
from models.events import LABELS, Event, Label
from models.plan import NO_CONDITION

START: Final = 1_700_000_000_000
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_TYPICAL: Final = 500.0
_NAMES: Final = 5


def generated(
    event_type: type[Event],
    count: int,
    *,
    seed: int,
    days: int,
    names: int = _NAMES,
    measurements: Sequence[str] = ("m0", "m1", "m2"),
    only: Mapping[str, str] = NO_CONDITION,
    extreme: bool = False,
) -> list[Event]:
    """Return events, and labels about them where the type has any, in an order of arrival.

    Parameters
    ----------
    event_type
        What to make up.
    count
        How many events; labels come on top.
    seed
        Same seed, same events.
    days
        Event time that they cover.
    names
        How many keys of each entity.
    measurements
        Names of a reading's measurements; one in ten is missing.
    only
        Fields that are the same in every event.
    extreme
        Whether numbers lie at the ends of what the type allows, and optional fields are often null.
    """
    rng = random.Random(seed)  # noqa: S311 - seeded, not cryptography
    arrivals: list[tuple[float, Event]] = []
    for n in range(count):
        hour = rng.randrange(days * 24) if rng.random() < 0.5 else rng.uniform(0, days * 24)  # noqa: PLR2004 - half of them tie
        when = START + int(hour * _HOUR_MS)
        late = rng.uniform(0, _DAY_MS) if rng.random() < 0.1 else 0.0  # noqa: PLR2004 - a tenth comes late
        fixed = {**only, "event_id": f"{rng.randrange(16**6):06x}-{n}", "event_time": when}
        event = _event(event_type, fixed, _Names(names, measurements), rng, extreme=extreme)
        arrivals.append((when + late, event))
        if event_type in LABELS:
            arrivals.append((when + _DAY_MS + late, _label(event, when + _DAY_MS, rng)))
    return [event for _, event in sorted(arrivals, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class _Names:
    """How many keys of each entity there are, and the names of measurements."""

    keys: int
    measurements: Sequence[str]


def _event(
    event_type: type[Event], fixed: dict[str, Any], names: _Names, rng: random.Random, *, extreme: bool
) -> Event:
    values = dict(fixed)
    for f in schema.fields(event_type):
        if f.name not in values and not (f.optional and rng.random() < (0.5 if extreme else 0.1)):
            values[f.name] = _value(f, rng, names, extreme=extreme)
    return events.build(str(event_type.__struct_config__.tag), values)


def _value(field: schema.Field, rng: random.Random, names: _Names, *, extreme: bool) -> Any:
    if field.plain is str:
        number = rng.randrange(names.keys)
        return f"tok_{number:024x}" if field.meta.pattern else f"{field.name}-{number}"
    if field.plain is bool:
        return rng.random() < 0.5  # noqa: PLR2004 - either
    if field.plain is float:
        low, high = _bounds(field.meta.ge, field.meta.le)
        return (
            rng.choice((low, high))
            if extreme
            else round(rng.uniform(max(low, 1.0 - _TYPICAL), min(high, _TYPICAL)), 2)
        )
    return _measurements(rng, names.measurements, extreme=extreme)


def _measurements(rng: random.Random, names: Sequence[str], *, extreme: bool) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for name in names:
        if rng.random() < 0.9 or not values:  # noqa: PLR2004 - the rest is missing, never all
            values[name] = rng.choice((-1e9, 1e9, None)) if extreme else round(rng.gauss(50, 10), 3)
    return values


def _bounds(low: float | None, high: float | None) -> tuple[float, float]:
    return (-1e9 if low is None else float(low)), (1e9 if high is None else float(high))


def _label(event: Event, when: int, rng: random.Random) -> Label:
    keys = {name: getattr(event, name) for name in ("card", "terminal")}
    return Label(
        event_id=f"L-{event.event_id}",
        event_time=when,
        transaction_id=event.event_id,
        fraud=rng.random() < 0.3,  # noqa: PLR2004 - enough of both
        **keys,
    )
