"""What an analyst declares: a model's event, features, estimator and threshold policy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import RefuseSpecError
from models.events import Event
from models.features import Feature
from models.plan import Plan, compile_plan


@dataclass(frozen=True)
class AlertShare:
    """Threshold policy: alert on this share of events, taken from the end of the training window.

    Parameters
    ----------
    share
        Alerts per event, above 0 and below 1.
    """

    share: float

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.share < 1:
            raise RefuseSpecError(f"an alert share lies between 0 and 1, not {self.share}")


@dataclass(frozen=True)
class ModelSpec:
    """One streaming model.

    Parameters
    ----------
    name
        Unique; part of every score row.
    version
        Changes with every change of features or estimator.
    event
        The type that is scored, one score per event.
    features
        In the order in which the estimator takes them.
    estimator
        Makes a new unfitted scikit-learn classifier.
    threshold
        How the alert threshold is chosen.
    """

    name: str
    version: str
    event: type[Event]
    features: Sequence[Feature]
    estimator: Callable[[], Any]
    threshold: AlertShare

    def plan(self) -> Plan:
        """Return the features compiled to SQL; raises `RefuseSpecError` where they are wrong."""
        return compile_plan(self.event, self.features)
