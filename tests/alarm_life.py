"""What is allowed to happen to one alarm under some policies, told once more and apart from the code that decides it."""

from collections.abc import Sequence
from typing import ClassVar

from acked_at_flush import AckedAtFlush

from models.actions import Command, decode_command
from models.alarms import SEVERITIES, AlarmChange, Severity, decode_change
from models.policies.policies import parse
from models.scores import Score

LATCHED, DELAYED, SUPPRESSOR, SUPPRESSED = "velocity", "unnamed", "fraud", "velocity"
OFF_DELAY, EASE_AFTER, REALARM_AFTER, STALE_AFTER = 50, 60, 100, 120
POLICIES = parse(
    f"""
    [alarms.default]
    off_delay = "{OFF_DELAY}ms"
    realarm_after = "{REALARM_AFTER}ms"
    ease_after = "{EASE_AFTER}ms"
    stale_after = "{STALE_AFTER}ms"
    severities = {{ high = 0.7, critical = 0.9 }}
    chattering = {{ more_than = 2, calm_below = 2, within = "400ms" }}

    [alarms.{LATCHED}]
    latched = true
    suppressed_while = ["{SUPPRESSOR}"]

    [alarms.{DELAYED}]
    on_delay = "10ms"
    on_gap = "30ms"
    deadband = 0.1

    [[maintenance]]
    name = "the first second but for its beginning"
    entities = "card-b"
    from = 1970-01-01T00:00:00.300Z
    to = 1970-01-01T00:00:01Z

    [[commands]]
    models = ["fraud"]
    command = "block_card"

    [[commands]]
    models = ["velocity", "unnamed"]
    command = "reduce_load"
    """,
    "the machine",
)


class Life:
    """What is allowed to happen to one alarm, told once more and apart: the state of ISA-18.2 and its ways."""

    WAYS: ClassVar[dict[str, tuple[set[str | None], str]]] = {  # change: (states before, state after)
        "opened": ({None}, "active_unacknowledged"),
        "reactivated": ({"returned_unacknowledged", "latched"}, "active_unacknowledged"),
        "acknowledged active": ({"active_unacknowledged"}, "active_acknowledged"),
        "acknowledged returned": ({"returned_unacknowledged"}, "over"),
        "realarmed": ({"active_acknowledged"}, "active_unacknowledged"),
        "returned unacknowledged": ({"active_unacknowledged"}, "returned_unacknowledged"),
        "returned acknowledged": ({"active_acknowledged"}, "over"),
        "latched": ({"over"}, "latched"),
        "reset": ({"latched"}, "reset"),
        "closed": ({"over", "reset"}, "closed"),
    }

    def __init__(self, condition: str) -> None:
        self.condition = condition
        self.state: str | None = None
        self.severity: Severity | None = None
        self.seen: list[str] = []

    def take(self, told: AlarmChange) -> None:
        self.seen.append(told.change)
        self._grade(told)
        if told.change in {"opened", "reactivated", "realarmed", "latched", "reset", "closed"}:
            self._go(told.change)
        elif told.change == "acknowledged":
            self._go(f"acknowledged {'active' if self.state == 'active_unacknowledged' else 'returned'}")
        elif told.change == "returned":
            self._go(
                f"returned {'acknowledged' if self.state == 'active_acknowledged' else 'unacknowledged'}"
            )
        elif told.change == "stale":
            assert self.state == "active_unacknowledged", self.seen
        elif told.change == "chattering":
            assert self.seen[-2] in {"opened", "reactivated"}, self.seen
        elif told.change not in {"escalated", "eased"}:
            assert self.state not in {None, "closed"}, self.seen

    def _go(self, way: str) -> None:
        before, after = self.WAYS[way]
        assert self.state in before, (way, self.state, self.seen)
        if way == "closed" and self.condition == LATCHED:
            assert self.state == "reset", self.seen
        if way == "latched":
            assert self.condition == LATCHED
        self.state = after

    def _grade(self, told: AlarmChange) -> None:
        before, self.severity = self.severity, told.severity
        if before is None or told.change == "reactivated":
            return
        rise = SEVERITIES.index(told.severity) - SEVERITIES.index(before)
        assert (rise > 0) == (told.change == "escalated"), (self.seen, before, told)
        assert (rise < 0) == (told.change == "eased"), (self.seen, before, told)


class Wire(AckedAtFlush):
    """A producer whose acknowledgements come with the flush."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Command] = []
        self.changes: dict[str, AlarmChange] = {}

    def took(self, topic: str, key: str, value: bytes) -> None:
        if topic == "commands":
            self.commands.append(decode_command(value))
        else:
            assert topic == "alarms"
            change = decode_change(value)
            assert key == change.entity
            assert self.changes.setdefault(change.change_id, change) == change, "told again as it was"


def order_of(told: AlarmChange) -> tuple[int, int]:
    """Return the place of a change: the version of its entity, and which change of that it is."""
    version, number = told.change_id.split("/")[1:]
    return int(version), int(number)


def worsened(told: AlarmChange, changes: Sequence[AlarmChange]) -> bool:
    """Whether the alarm escalated with the same alert."""
    version, number = order_of(told)
    return any(
        c.alarm_id == told.alarm_id and c.change == "escalated" and order_of(c) == (version, number - 1)
        for c in changes
    )


def band(value: float) -> int:
    return SEVERITIES.index("critical" if value >= 0.9 else "high" if value >= 0.7 else "medium")


def score(event_id: str, entity: str, model: str, value: float, *, arrived: int) -> Score:
    return Score(
        event_id=event_id,
        event_time=1,
        entity=entity,
        model=model,
        version="1",
        score=value,
        threshold=0.5,
        features={},
        event={},
        arrivals={},
        topic="transactions",
        partition=0,
        offset=0,
        ingested_at=arrived,
    )
