"""What one transaction of the notifier works with: the rules, the ledger and the time."""

from collections.abc import Callable
from dataclasses import dataclass

from actors.notifier.ledger import NotifierLedger
from actors.notifier.texts import Style
from models.floods import FloodRule
from models.policies.notifications import NotificationPolicy


@dataclass(frozen=True)
class Rules:
    """By what changes are told.

    Attributes
    ----------
    flood
        What counts as a flood of a condition.
    oldest_ms
        A change that is older than this is not told.
    most
        Most changes in one message; what is left becomes another.
    """

    policy: NotificationPolicy
    flood: Callable[[str], FloodRule]
    style: Style
    oldest_ms: int
    most: int = 10_000


@dataclass(frozen=True)
class Sitting:
    """One transaction at one time, `now` in milliseconds since the epoch."""

    ledger: NotifierLedger
    rules: Rules
    now: int
