"""The world whose events are the load of a drill: cards and terminals in the past, all in one window of the features."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from ingest.handbook.settings import HandbookSettings
from ingest.handbook.stream import World
from ingest.tokens import Tokenizer
from models.events import Event
from pipeline.drill.model import PLAN

DAYS: Final = 150
"""More days than any drill plays."""

DAY_MS: Final = 86_400_000
CARDS: Final = 5_000
TERMINALS: Final = 2_000


def first_day(now_ms: int) -> date:
    """Return a first day from which all days of the drill are past, and see the whole of their history.

    An event sees what lies in its landmark window, so no new window may begin to speak during the drill.
    """
    start = now_ms - (DAYS + 1) * DAY_MS
    speaks = PLAN.windows.start(start + DAYS * DAY_MS) + PLAN.overlap_ms
    if start < speaks:
        start = speaks - (DAYS + 1) * DAY_MS
    return datetime.fromtimestamp(start / 1_000, UTC).date() + timedelta(days=1)


def events(first: date, seed: int, tokenizer: Tokenizer) -> Iterator[Event]:
    """Return transactions and, a day later, their labels, without end."""
    process = HandbookSettings(seed=seed, customers=CARDS, terminals=TERMINALS, label_delay_days=1)
    return World(process, tokenizer).events(first, None)


def landmark_ms(first: date) -> int:
    """Return the first moment of the first day, milliseconds since the epoch."""
    return round(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1_000)


def some_card(tokenizer: Tokenizer, rng: random.Random) -> str:
    """Return a card that the world does not know: the hot one."""
    return tokenizer.token(f"9{rng.randrange(10**15):015d}")
