"""What is allowed to happen to one alarm under some policies, told once more and apart from the code that decides it."""

from typing import ClassVar

from models.alarms import SEVERITIES, AlarmChange, Severity
from models.policies.policies import parse

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
