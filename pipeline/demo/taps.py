"""Listens to the topics beside the pipeline and tells the view; it commits nothing and changes nothing."""

import threading
from collections import Counter
from collections.abc import Mapping

import structlog

from ingest.errors import RetryLaterError
from ingest.ports import ConsumerPort, Record
from ingest.settings import TopicName
from models import actions, scores
from pipeline.demo.view import Picture, View

TAPPED: tuple[TopicName, ...] = ("scores", "commands", "acks")

log = structlog.get_logger(__name__)


class Tap:
    """Shares one view between the thread that listens and the one that draws.

    Parameters
    ----------
    prefix
        What stands before topic names in Kafka.
    """

    def __init__(self, view: View, prefix: str) -> None:
        self._view = view
        self._prefix = prefix
        self._lock = threading.Lock()

    def listen(self, consumer: ConsumerPort, stop: threading.Event) -> None:
        """Tell the view every record until stopped; the pipeline alone deals with what is malformed."""
        while not stop.is_set():
            try:
                records = consumer.poll(2_000, 0.2)
            except RetryLaterError as error:
                log.info("view_waits", reason=str(error))
                stop.wait(1.0)
                continue
            with self._lock:
                for record in records:
                    self._take(record)

    def accept(self, by_type: Mapping[str, int]) -> None:
        """Note how many events of some types the door has taken."""
        with self._lock:
            self._view.accepted = Counter({**self._view.accepted, **by_type})

    def measure_from(self, ms: int) -> None:
        """Count latencies of events that enter from this time on."""
        with self._lock:
            self._view.measured_from = ms

    def picture(self, now_ms: int) -> Picture:
        """Return the view as it is now."""
        with self._lock:
            return self._view.picture(now_ms)

    def _take(self, record: Record) -> None:
        match record.topic.removeprefix(self._prefix):
            case "scores":
                self._view.score(scores.decode(record.value), record.timestamp_ms)
            case "commands":
                self._view.command(actions.decode_command(record.value))
            case "acks":
                self._view.ack(actions.decode_ack(record.value), record.timestamp_ms)
