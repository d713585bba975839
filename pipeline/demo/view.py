"""What the live view knows, the pure part: records of the topics in, one picture out.

Everything is counted once by its id, because delivery is at-least-once.
"""

import math
import random
from collections import Counter, deque
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Final

from models.actions import Ack, Command
from models.scores import Score
from pipeline.demo.latencies import Latencies, Percentiles

RECENT_MS: Final = 10_000
"""The time that rates and live percentiles look back, in milliseconds."""

SHOWN_ALARMS: Final = 8


@dataclass(frozen=True)
class AlarmLine:
    """One alarm as it is shown: its card, the score and amount that opened it, and how its command went."""

    opened_at: int
    card: str
    score: float
    amount: float
    fraud: bool
    command: str


@dataclass(frozen=True)
class Picture:
    """The view at one time.

    Attributes
    ----------
    per_s
        Transactions scored per second, over the time looked back.
    lag
        Transactions accepted and not scored yet.
    to_score, to_ack
        Latency from event to score and to acknowledged command: lately, and overall after the warm-up.
    true_alerts
        Alerts on events that are fraud in the simulator's world.
    """

    accepted: int
    scored: int
    per_s: float
    lag: int
    alerts: int
    true_alerts: int
    alarms: int
    outcomes: dict[str, int]
    to_score: Percentiles
    to_score_overall: Percentiles
    to_ack: Percentiles
    to_ack_overall: Percentiles
    latest: tuple[AlarmLine, ...]

    @property
    def precision(self) -> float | None:
        """Share of the alerts that are fraud; None without alerts."""
        return self.true_alerts / self.alerts if self.alerts else None


class View:
    """Takes what passes through the topics.

    Parameters
    ----------
    frauds
        Ids of the events that are fraud in the simulator's world.
    rng
        For the samples of latencies.

    Attributes
    ----------
    accepted
        Transactions that the door has taken so far.
    measured_from
        Latencies of events that entered before this time count as warm-up (milliseconds since the epoch);
        infinite until somebody sets it.
    """

    def __init__(self, frauds: AbstractSet[str], rng: random.Random) -> None:
        self.accepted = 0
        self.measured_from: float = math.inf
        self._frauds = frauds
        self._to_score = Latencies(rng)
        self._to_ack = Latencies(rng)
        self._scored: set[str] = set()
        self._alerts: dict[str, Score] = {}
        self._commands: dict[str, Command] = {}
        self._acks: dict[str, tuple[Ack, int]] = {}
        self._by_event: dict[str, str] = {}
        self._measured: set[str] = set()
        self._ticks: deque[int] = deque()

    def score(self, score: Score, appended_ms: int) -> None:
        """Take a score and when Kafka appended it (milliseconds since the epoch)."""
        if score.event_id in self._scored:
            return
        self._scored.add(score.event_id)
        self._ticks.append(appended_ms)
        if score.ingested_at >= self.measured_from:
            self._to_score.add(appended_ms, appended_ms - score.ingested_at)
        if score.is_alert:
            self._alerts[score.event_id] = score
            self._measure(self._by_event.get(score.event_id))

    def command(self, command: Command) -> None:
        """Take a command: an alarm has opened."""
        if command.command_id in self._commands:
            return
        self._commands[command.command_id] = command
        self._by_event[command.event_id] = command.command_id
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
        while self._ticks and self._ticks[0] < since:
            self._ticks.popleft()
        return Picture(
            accepted=self.accepted,
            scored=len(self._scored),
            per_s=len(self._ticks) / (RECENT_MS / 1000),
            lag=max(0, self.accepted - len(self._scored)),
            alerts=len(self._alerts),
            true_alerts=len(self._alerts.keys() & self._frauds),
            alarms=len({command.alarm_id for command in self._commands.values()}),
            outcomes=dict(Counter(str(ack.outcome) for ack, _ in self._acks.values())),
            to_score=self._to_score.since(since),
            to_score_overall=self._to_score.overall(),
            to_ack=self._to_ack.since(since),
            to_ack_overall=self._to_ack.overall(),
            latest=tuple(map(self._line, islice(reversed(self._commands.values()), SHOWN_ALARMS))),
        )

    def _line(self, command: Command) -> AlarmLine:
        alert = self._alerts.get(command.event_id)
        answer = self._acks.get(command.command_id)
        return AlarmLine(
            opened_at=command.issued_at,
            card=command.entity,
            score=alert.score if alert else float("nan"),
            amount=float(alert.event["amount"]) if alert else float("nan"),
            fraud=command.event_id in self._frauds,
            command=answer[0].outcome if answer else "sent",
        )

    def _measure(self, command_id: str | None) -> None:
        """Take the latency of a command once its alert and its answer are both known, in whatever order."""
        command, answer = self._commands.get(command_id or ""), self._acks.get(command_id or "")
        if command is None or answer is None or command.command_id in self._measured:
            return
        alert = self._alerts.get(command.event_id)
        if alert is not None and alert.ingested_at >= self.measured_from:
            self._measured.add(command.command_id)
            self._to_ack.add(answer[1], answer[1] - alert.ingested_at)
