"""Stored features against their definition: `python -m benchmarks.parity` after a run.

Takes random scored events from Cassandra and recomputes their features from the raw topics, event by event,
without SQL and without the landmark trick. Labels count as the terminal's stage had seen them: a score says
how many. Needs one partition per source topic, as is the default. Exits 1 where a feature differs.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ingest.consumer import read_all
from ingest.settings import KafkaSettings
from models import events
from models.errors import RejectEventError
from models.events import Label, Transaction
from models.fraud import FRAUD
from models.reference import Value, by_definition
from models.scores import Score
from storage.score_store import CassandraScoreStore
from storage.session import connect
from storage.settings import CassandraSettings

TOLERANCE: Final = 1e-9


class Arrived:
    """Everything that arrived, in order, by card and by terminal."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.by_id: dict[str, tuple[int, Transaction]] = {}
        self.cards: dict[str, list[tuple[int, Transaction]]] = defaultdict(list)
        self.terminals: dict[str, list[tuple[int, Transaction]]] = defaultdict(list)
        self.labels: dict[str, list[Label]] = defaultdict(list)
        for position, record in enumerate(read_all(kafka, "transactions")):
            event = _event(record.value)
            if isinstance(event, Transaction):
                self.by_id[event.event_id] = (position, event)
                self.cards[event.card].append((position, event))
                self.terminals[event.terminal].append((position, event))
        for record in read_all(kafka, "labels"):
            event = _event(record.value)
            if isinstance(event, Label):
                self.labels[event.terminal].append(event)

    def features(self, score: Score) -> dict[str, Value]:
        """Return the features of a scored event."""
        position, event = self.by_id[score.event_id]
        before = [(p, e) for p, e in self.terminals[event.terminal] if p < position]
        cards = {e.card for _, e in before} | {event.card}
        others = [pair for card in cards for pair in self.cards[card] if pair[0] <= position]
        arrived = [e for _, e in sorted(others, key=lambda pair: pair[0])]
        labels = self.labels[event.terminal][: score.arrivals["terminal_labels"]]
        at_terminal: Sequence[events.Event] = [*(e for _, e in before), *labels, event]
        found = by_definition(
            Transaction,
            FRAUD.features,
            [*arrived, *labels],
            lambda key, _: at_terminal if key == "terminal" else arrived,
        )
        return found[score.event_id]


def _event(value: bytes | None) -> events.AnyEvent | None:
    try:
        return events.decode(value or b"")
    except RejectEventError:
        return None


def _difference(actual: Value, expected: Value) -> float:
    if actual is None or expected is None:
        return 0.0 if actual is expected else float("inf")
    return abs(actual - expected) / max(1.0, abs(expected))


def main() -> None:
    """Compare and print the largest difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--cassandra", required=True, metavar="HOST:PORT")
    parser.add_argument("--prefix", default="", help="of the topics")
    parser.add_argument("--keyspace", default="fastdata")
    parser.add_argument("--sample", type=int, default=1000, help="events to compare")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    host, port = options.cassandra.rsplit(":", 1)
    cassandra = CassandraSettings(contact_points=(host,), port=int(port), keyspace=options.keyspace)
    arrived = Arrived(KafkaSettings(bootstrap_servers=options.kafka, prefix=options.prefix))
    chosen = random.Random(options.seed).sample(sorted(arrived.by_id), options.sample)
    worst = 0.0
    with connect(cassandra) as session:
        store = CassandraScoreStore(session, cassandra)
        for event_id in chosen:
            score = next(s for s in store.by_event(event_id) if s.model == FRAUD.name)
            expected = arrived.features(score)
            for name, value in score.features.items():
                worst = max(worst, _difference(value, expected[name]))
    print(f"{len(chosen)} events, {len(expected)} features each: largest relative difference {worst:.3g}")
    sys.exit(worst > TOLERANCE)


if __name__ == "__main__":
    main()
