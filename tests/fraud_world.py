"""A small world of cards and terminals, three of them bad, for the tests of the fraud model."""

import random

from models.events import Event, Label, Transaction

DAY = 86_400_000
START = 1_520_000_000_000


def world(seed: int, events: int, *, days: int, frauds: bool = True) -> list[Event]:
    """Return transactions and their labels seven days later, in event-time order with ties."""
    rng = random.Random(seed)
    bad = {f"t{n}" for n in range(3)} if frauds else set()
    out: list[Event] = []
    for n in range(events):
        when = START + rng.randrange(days * 24) * DAY // 24
        card, terminal = f"tok_{rng.randrange(20):024x}", f"t{rng.randrange(15)}"
        sale = Transaction(
            event_id=str(n), event_time=when, card=card, terminal=terminal, amount=rng.uniform(1, 200)
        )
        fraud = terminal in bad and rng.random() < 0.7
        out += [
            sale,
            Label(
                event_id=f"L-{n}",
                event_time=when + 7 * DAY,
                transaction_id=str(n),
                card=card,
                terminal=terminal,
                fraud=fraud,
            ),
        ]
    return sorted(out, key=lambda e: e.event_time)
