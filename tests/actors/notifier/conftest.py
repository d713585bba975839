from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.notifier.ledger import NotifierLedger
from actors.notifier.ledger_file import open_ledger
from actors.notifier.sitting import Rules
from actors.notifier.texts import Style
from models.alarms import AlarmChange
from models.floods import FloodRule
from models.policies.notifications import NotificationPolicy
from models.policies.policies import parse

MakeChange = Callable[..., AlarmChange]


@pytest.fixture(scope="session")
def change() -> MakeChange:
    def make(number: int = 1, **fields: Any) -> AlarmChange:
        values: dict[str, Any] = {
            "change_id": f"alarm-{number}/1/0",
            "change": "opened",
            "alarm_id": f"alarm-{number}",
            "entity": f"pump-{number}",
            "condition": "anomaly-pump",
            "state": "active_unacknowledged",
            "severity": "high",
            "event_id": f"e{number}",
            "opened_at": 0,
            "at": fields.get("opened_at", 0),
            "alerts": 1,
            "peak": 0.9,
        }
        return AlarmChange(**{**values, **fields})

    return make


@pytest.fixture(scope="session")
def policy() -> Callable[[str], NotificationPolicy]:
    return lambda text: parse(text, "the test's policies")


@pytest.fixture(scope="session")
def rules() -> Callable[..., Rules]:
    def make(policy: NotificationPolicy, *, more_than: int = 10_000, **fields: Any) -> Rules:
        flood = FloodRule(more_than=more_than, calm_below=max(1, more_than // 2), within_ms=600_000)
        values = {"flood": lambda _: flood, "style": Style("fastdata", 3), "oldest_ms": 3_600_000}
        return Rules(policy=policy, **{**values, **fields})

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "notifications.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[NotifierLedger]:
    with open_ledger(path) as opened:
        yield opened
