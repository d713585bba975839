"""What the live view knows, the pure part: records of the topics in, one picture out.

Everything is counted once by its id, because delivery is at-least-once.
"""

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from models.actions import Ack, Command
from models.scores import Score
from pipeline.demo.latencies import Latencies, Percentiles

RECENT_MS: Final = 10_000
"""The time that rates and live percentiles look back, in milliseconds."""

SHOWN_ALARMS: Final = 8

Truth = Callable[[Score], bool]
"""Whether the simulated world agrees that an alert is one."""


@dataclass(frozen=True)
class AlarmLine:
    """One alarm as it is shown: on whom, the score that opened it and what stands behind it, and how its command went."""

    opened_at: int
    model: str
    entity: str
    score: float
    why: str
    true: bool
    command: str


@dataclass(frozen=True)
class ModelPicture:
    """One model at one time.

    Attributes
    ----------
    event
        Tag of the events that it scores.
    accepted
        Events of this type that the door has taken so far.
    passed
        How many of these lie at or before the last one that it has scored: it may not see all of them.
    per_s
        Events scored per second, over the time looked back.
    true_alerts
        Alerts that are right in the simulated world.
    to_score, to_ack
        Latency from event to score and to acknowledged command: lately, and overall after the warm-up.
    latest
        Its latest alarm.
    """

    model: str
    event: str
    accepted: int
    passed: int
    scored: int
    per_s: float
    alerts: int
    true_alerts: int
    alarms: int
    outcomes: dict[str, int]
    to_score: Percentiles
    to_score_overall: Percentiles
    to_ack: Percentiles
    to_ack_overall: Percentiles
    latest: AlarmLine | None

    @property
    def lag(self) -> int:
        """Events accepted behind the last one scored."""
        return max(0, self.accepted - self.passed)

    @property
    def precision(self) -> float | None:
        """Share of the alerts that are right; None without alerts."""
        return self.true_alerts / self.alerts if self.alerts else None


@dataclass(frozen=True)
class Picture:
    """The view at one time."""

    models: tuple[ModelPicture, ...]
    latest: tuple[AlarmLine, ...]

    @property
    def lag(self) -> int:
        """Events accepted and not scored yet, over all models."""
        return sum(model.lag for model in self.models)


class _Model:
    """What is known of one model."""

    def __init__(self, rng: random.Random) -> None:
        self.to_score = Latencies(rng)
        self.to_ack = Latencies(rng)
        self.scored: set[str] = set()
        self.alerts: dict[str, Score] = {}
        self.true_alerts = 0
        self.passed: dict[int, int] = {}
        self.ticks: deque[int] = deque()


class View:
    """Takes what passes through the topics.

    Parameters
    ----------
    models
        The tag of the events that each model scores, by the model's name; scores of others are not looked at.
    truth
        Judges alerts.
    rng
        For the samples of latencies.

    Attributes
    ----------
    accepted
        Events that the door has taken so far, by tag.
    measured_from
        Latencies of events that entered before this time count as warm-up (milliseconds since the epoch);
        infinite until somebody sets it.
    """

    def __init__(self, models: Mapping[str, str], truth: Truth, rng: random.Random) -> None:
        self.accepted: Counter[str] = Counter()
        self.measured_from: float = math.inf
        self._events = dict(models)
        self._truth = truth
        self._models = {name: _Model(rng) for name in models}
        self._commands: dict[str, Command] = {}
        self._acks: dict[str, tuple[Ack, int]] = {}
        self._by_alert: dict[tuple[str, str], str] = {}
        self._measured: set[str] = set()
        self._loads: dict[str, float | None] = {}

    def score(self, score: Score, appended_ms: int) -> None:
        """Take a score and when Kafka appended it (milliseconds since the epoch)."""
        model = self._models.get(score.model)
        if model is None or score.event_id in model.scored:
            return
        model.scored.add(score.event_id)
        model.passed[score.partition] = max(score.offset + 1, model.passed.get(score.partition, 0))
        self._loads[score.entity] = _load(score)
        model.ticks.append(appended_ms)
        if score.ingested_at >= self.measured_from:
            model.to_score.add(appended_ms, appended_ms - score.ingested_at)
        if score.is_alert:
            model.alerts[score.event_id] = score
            model.true_alerts += self._truth(score)
            self._measure(self._by_alert.get((score.event_id, score.model)))

    def command(self, command: Command) -> None:
        """Take a command: an alarm has opened. What no alert has led to is left out."""
        if command.command_id in self._commands or command.event_id is None or command.condition is None:
            return
        self._commands[command.command_id] = command
        self._by_alert[command.event_id, command.condition] = command.command_id
        self._measure(command.command_id)

    def ack(self, ack: Ack, appended_ms: int) -> None:
        """Take an acknowledgement and when Kafka appended it."""
        if ack.command_id in self._acks:
            return
        self._acks[ack.command_id] = (ack, appended_ms)
        self._measure(ack.command_id)

    def picture(self, now_ms: int) -> Picture:
        """Return the view as it is now."""
        since = now_ms - RECENT_MS
        latest = islice(reversed(self._commands.values()), SHOWN_ALARMS)
        return Picture(
            models=tuple(self._picture(name, since) for name in self._models),
            latest=tuple(map(self._line, latest)),
        )

    def _picture(self, name: str, since: int) -> ModelPicture:
        model, event = self._models[name], self._events[name]
        while model.ticks and model.ticks[0] < since:
            model.ticks.popleft()
        commands = [c for c in self._commands.values() if c.condition == name]
        answers = [self._acks[c.command_id][0] for c in commands if c.command_id in self._acks]
        return ModelPicture(
            model=name,
            event=event,
            accepted=self.accepted[event],
            passed=sum(model.passed.values()),
            scored=len(model.scored),
            per_s=len(model.ticks) / (RECENT_MS / 1000),
            alerts=len(model.alerts),
            true_alerts=model.true_alerts,
            alarms=len({command.alarm_id for command in commands}),
            outcomes=dict(Counter(str(answer.outcome) for answer in answers)),
            to_score=model.to_score.since(since),
            to_score_overall=model.to_score.overall(),
            to_ack=model.to_ack.since(since),
            to_ack_overall=model.to_ack.overall(),
            latest=self._line(commands[-1]) if commands else None,
        )

    def _line(self, command: Command) -> AlarmLine:
        alert, answer = self._alert(command), self._acks.get(command.command_id)
        return AlarmLine(
            opened_at=command.issued_at,
            model=command.condition or "",
            entity=command.entity,
            score=alert.score if alert else math.nan,
            why=_why(alert, self._loads.get(alert.entity)) if alert else "",
            true=alert is not None and self._truth(alert),
            command=f"{command.kind} {answer[0].outcome if answer else 'sent'}",
        )

    def _alert(self, command: Command) -> Score | None:
        model = self._models.get(command.condition or "")
        return model.alerts.get(command.event_id or "") if model else None

    def _measure(self, command_id: str | None) -> None:
        """Take the latency of a command once its alert and its answer are both known, in whatever order."""
        command, answer = self._commands.get(command_id or ""), self._acks.get(command_id or "")
        if command is None or answer is None or command.command_id in self._measured:
            return
        alert = self._alert(command)
        if alert is not None and alert.ingested_at >= self.measured_from:
            self._measured.add(command.command_id)
            self._models[alert.model].to_ack.add(answer[1], answer[1] - alert.ingested_at)


def _load(score: Score) -> float | None:
    load = (score.event.get("measurements") or {}).get("load")
    return load if isinstance(load, int | float) else None


def _why(alert: Score, load: float | None) -> str:
    """Return what stands behind an alert in a few words: a payment's amount; a machine's strongest reason, its load then and now."""
    amount, then = alert.event.get("amount"), _load(alert)
    if isinstance(amount, int | float):
        return f"amount {amount:,.2f}"
    reason = alert.reasons[0].feature if alert.reasons else ""
    return reason if then is None or load is None else f"{reason}, load {then:.0f} to {load:.0f} %"
