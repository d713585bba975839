"""Events as nobody wishes them: poison, a hot key, a burst, duplicates, and whole topics read again."""

import os
import signal
import time
from typing import Final

from ingest.errors import RetryLaterError
from ingest.settings import TopicName
from pipeline.drill.rig import PATIENCE_S, Rig, await_end, pid_of, until

BURST: Final = 10.0
HALF: Final = 0.5
AGAIN: Final = 0.1
EACH: Final = 3

POISONED: Final[tuple[TopicName, ...]] = ("transactions", "labels", "scores", "alerts", "acks", "commands")
POISON: Final = (b"", b"{", b"\xff\xfe", b"[]", b'{"type":"transaction"}', b"null", b'{"score":NaN}')


def poison(rig: Rig) -> str:
    """Put what is no message into every topic that is read; each record has to end among the dead letters."""
    for topic in POISONED:
        for _ in range(EACH):
            rig.producer.poison(topic, rig.rng.choice(POISON))
    return f"{EACH} records that are no messages in each of {', '.join(POISONED)}"


def hot_key(rig: Rig) -> str:
    """Let one card have half of all events."""
    with rig.load.turned(hot=HALF):
        time.sleep(rig.spans.steady_s)
    return f"one card had half of all events for {rig.spans.steady_s:.0f} s"


def burst(rig: Rig) -> str:
    """Let ten times as many events come."""
    with rig.load.turned(rate=rig.load.knobs.rate * BURST):
        time.sleep(rig.spans.burst_s)
    return f"ten times the rate for {rig.spans.burst_s:.0f} s"


def duplicates(rig: Rig) -> str:
    """Let the producer send one event in ten twice."""
    with rig.load.turned(again=AGAIN):
        time.sleep(rig.spans.steady_s)
    return f"one event in ten came twice for {rig.spans.steady_s:.0f} s"


def reread(part: str, rig: Rig) -> str:
    """Let a part read its topics again from their beginning, by setting its group back while it is restarted."""
    pid = pid_of(rig, part)
    os.kill(pid, signal.SIGTERM)
    await_end([pid], PATIENCE_S)
    done: list[int] = []

    def rewound() -> bool:
        try:
            done.append(rig.rewind(part))
        except RetryLaterError:
            return False
        return True

    until(rewound, f"the group of {part} to be set back", 5)
    return f"{part} read {done[-1]} partitions again from their beginning"
