"""What an analyst declares: a model's event, features, estimator, label and threshold policy."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.algebra import Feature
from models.errors import RefuseSpecError
from models.events import Event
from models.labels import RunToFailure
from models.plan import Plan, compile_plan
from models.thresholds import AlertBelow, AlertBudget, AlertShare, FixedThreshold, Threshold

__all__ = [
    "AlertBelow",
    "AlertBudget",
    "AlertShare",
    "FixedThreshold",
    "LateLabel",
    "ModelSpec",
    "RunToFailure",
    "Threshold",
]

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,19}")


@dataclass(frozen=True)
class LateLabel:
    """The verdict on an event becomes known this long after it.

    Parameters
    ----------
    delay_ms
        Milliseconds; nothing is evaluated on events so close to those that the model was fitted on.
    """

    delay_ms: int

    def __post_init__(self) -> None:
        """Refuse a delay that is none."""
        if self.delay_ms < 0:
            raise RefuseSpecError(f"a label's delay is at least 0 ms, not {self.delay_ms}")


@dataclass(frozen=True)
class ModelSpec:
    """One streaming model; what is wrong with it is refused when it is declared.

    Parameters
    ----------
    name
        Unique; part of every score row. Lower-case letters, digits, _ and -.
    version
        Changes with every change of features or estimator.
    event
        The type that is scored, one score per event.
    features
        In the order in which the estimator takes them; helpers it does not take.
    estimator
        Makes a new unfitted scikit-learn estimator: classifier, regressor or outlier detector.
    threshold
        How the alert threshold is chosen.
    label
        What the estimator learns from; None where it learns without labels.
    only
        Text fields and their values: the model sees only events that have them, as in {"machine_class": "pump"}.
    once
        Whether an event or label that is sent again, with the same id and time, counts once in features. It is
        recognised for as long as it would not be late; remembering ids costs about a fifth of the throughput.

    Raises
    ------
    RefuseSpecError
        For a name or version that can't be a file's, and for features that can't be computed.
    """

    name: str
    version: str
    event: type[Event]
    features: Sequence[Feature]
    estimator: Callable[[], Any]
    threshold: Threshold
    label: LateLabel | RunToFailure | None = None
    only: Mapping[str, str] = field(default_factory=dict)
    once: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be computed or kept."""
        _refuse_unfit("name", self.name, _NAME, "lower-case letters, digits, _ and -, a letter first")
        _refuse_unfit("version", self.version, _VERSION, "letters, digits, dots and -")
        self.plan()

    @property
    def inputs(self) -> list[str]:
        """The features that the estimator takes, in its order."""
        return [f.name for f in self.features if not f.helper]

    def plan(self) -> Plan:
        """Return the features compiled to SQL; raises `RefuseSpecError` where they are wrong."""
        return compile_plan(self.event, self.features, self.only, once=self.once)


def _refuse_unfit(what: str, text: str, shape: re.Pattern[str], allowed: str) -> None:
    if not shape.fullmatch(text):
        raise RefuseSpecError(f"a model's {what} consists of {allowed}, not {text!r}")
