"""A peer: the fraud model as a Bytewax dataflow with features in Python and the estimator in ONNX Runtime.

Two keyed steps as in the product, events in order of their offsets. A process of its own:
`python -m benchmarks.bytewax_flow BOOTSTRAP PREFIX WORK`, where WORK holds `model.onnx` and `artifact.json`.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import bytewax.operators as op
import msgspec
import numpy as np
import onnxruntime
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main

from benchmarks.python_features import CardFeatures, TerminalFeatures, Values
from ingest.catalog import topic_name
from ingest.settings import KafkaSettings
from models import events
from models.artifact import Artifact, decode
from models.errors import RejectEventError
from models.events import Label, Transaction

BATCH: Final = 1_000


class Item(msgspec.Struct):
    """An event on its way, with its place and, after the first step, its card's features."""

    event: Transaction | Label
    place: tuple[int, int]
    values: Values
    seen: tuple[int, int] = (0, 0)


class _Card(op.StatefulBatchLogic[Item, Item, tuple[Any, Any]]):
    def __init__(self, kept: tuple[Any, Any] | None) -> None:
        self._card = CardFeatures(*kept) if kept else CardFeatures()

    def on_batch(self, values: list[Item]) -> tuple[Iterable[Item], bool]:
        values.sort(key=_place)
        for item in values:
            event = item.event
            if isinstance(event, Transaction):
                item.values = self._card.take(event.event_time, event.event_id, event.amount)
        return values, False

    def snapshot(self) -> tuple[Any, Any]:
        return self._card.sums, list(self._card.recent)


class _Terminal(op.StatefulBatchLogic[Item, Item, tuple[Any, Any]]):
    def __init__(self, kept: tuple[Any, Any] | None) -> None:
        self._terminal = TerminalFeatures(*kept) if kept else TerminalFeatures()

    def on_batch(self, values: list[Item]) -> tuple[Iterable[Item], bool]:
        values.sort(key=_place)
        scored = []
        for item in values:
            event = item.event
            if isinstance(event, Label):
                self._terminal.label(event.event_time, fraud=event.fraud)
            else:
                item.values |= self._terminal.take(event.event_time, item.values)
                item.seen = self._terminal.seen
                scored.append(item)
        return scored, False

    def snapshot(self) -> tuple[Any, Any]:
        return self._terminal.sums, self._terminal.seen


def _place(item: Item) -> tuple[int, int]:
    return item.place


def _decoded(messages: list[Any]) -> Iterable[tuple[str, Item]]:
    for message in messages:
        try:
            event = events.decode(message.value or b"")
        except RejectEventError:
            continue
        if isinstance(event, Transaction | Label):
            yield event.card, Item(event, (message.timestamp[1], message.offset), {})


def _by_terminal(pairs: list[tuple[str, Item]]) -> Iterable[tuple[str, Item]]:
    return [(item.event.terminal, item) for _, item in pairs]


def _scorer(
    artifact: Artifact, model: bytes, scores: str, alerts: str
) -> Callable[[list[tuple[str, Item]]], Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names, entry = artifact.plan.features, session.get_inputs()[0].name
    encoder = msgspec.json.Encoder()

    def scored(pairs: list[tuple[str, Item]]) -> Iterable[KafkaSinkMessage[bytes, bytes]]:
        table = np.array([[item.values[name] for name in names] for _, item in pairs], dtype=np.float32)
        for (_, item), score in zip(pairs, session.run(None, {entry: table})[1][:, 1].tolist(), strict=True):
            event = item.event
            value = encoder.encode(
                {
                    "event_id": event.event_id,
                    "event_time": event.event_time,
                    "entity": event.card,
                    "model": artifact.name,
                    "version": artifact.version,
                    "score": score,
                    "threshold": artifact.threshold,
                    "features": item.values,
                    "arrivals": {"terminal_events": item.seen[0], "terminal_labels": item.seen[1]},
                    "offset": item.place[1],
                    "ingested_at": item.place[0],
                }
            )
            key = event.card.encode()
            yield KafkaSinkMessage(key, value, topic=scores)
            if score >= artifact.threshold:
                yield KafkaSinkMessage(key, value, topic=alerts)

    return scored


def flow(kafka: KafkaSettings, artifact: Artifact, model: bytes) -> Dataflow:
    """Return the dataflow from the source topics to scores and alerts."""
    built = Dataflow("fraud")
    topics = [topic_name(kafka, "transactions"), topic_name(kafka, "labels")]
    source: KafkaSource = KafkaSource([kafka.bootstrap_servers], topics, batch_size=BATCH)
    messages: op.Stream[KafkaSourceMessage[Any, Any]] = op.input("source", built, source)  # type: ignore[assignment] # errors are raised
    by_card = op.flat_map_batch("decode", messages, _decoded)
    card = op.stateful_batch("card", by_card, _Card)
    by_terminal = op.flat_map_batch("by_terminal", card, _by_terminal)
    terminal = op.stateful_batch("terminal", by_terminal, _Terminal)
    score = _scorer(artifact, model, topic_name(kafka, "scores"), topic_name(kafka, "alerts"))
    op.output("sink", op.flat_map_batch("score", terminal, score), KafkaSink([kafka.bootstrap_servers], None))
    return built


def main(bootstrap: str, prefix: str, work: str) -> None:
    """Run until killed."""
    kafka, folder = KafkaSettings(bootstrap_servers=bootstrap, prefix=prefix), Path(work)
    artifact = decode((folder / "artifact.json").read_text(), "artifact.json")
    run_main(flow(kafka, artifact, (folder / "model.onnx").read_bytes()))


if __name__ == "__main__":
    main(*sys.argv[1:])
