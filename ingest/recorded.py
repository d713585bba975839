"""Recorded events: what a replay of files would send, in order, for those who don't want it sent but counted on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingest.errors import RefuseInputError
from ingest.mapping import Mapping, load_mapping
from ingest.offers import Refusal
from ingest.replay_items import Selection, read_events, read_rows
from ingest.rows import MS_PER_DAY
from ingest.tokens import Tokenizer
from models.events import Event, Label

EVENT_FILES: Final = frozenset({".jsonl", ".ndjson"})
"""Files that can hold events in wire format."""


@dataclass
class Recording:
    """Files and the mapping of their columns.

    Attributes
    ----------
    refused
        Reason -> rows that are no events, of those read so far.
    first, last
        Event times of the events read so far, labels left out; milliseconds since the epoch.
    """

    files: Sequence[Path]
    mapping: Mapping | None
    refused: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None

    @property
    def label_delay_ms(self) -> int:
        """How long after its event a label is known, milliseconds; 0 where the files hold labels as events."""
        label = self.mapping.label if self.mapping else None
        return round(label.delay_days * MS_PER_DAY) if label else 0

    def events(self, tokenizer: Tokenizer, selection: Selection) -> Iterator[Event]:
        """Yield events and labels in the order in which a replay would send them; what is no event is counted."""
        if self.mapping is None:
            items = read_events(self.files, selection)
        else:
            items = read_rows(self.files, self.mapping, tokenizer, selection)
        for item in items:
            if isinstance(item, Refusal):
                self.refused[item.reason] += 1
            else:
                self._note(item.event)
                yield item.event

    def _note(self, event: Event) -> None:
        if not isinstance(event, Label):
            self.first = min(event.event_time, self.first if self.first is not None else event.event_time)
            self.last = max(event.event_time, self.last if self.last is not None else event.event_time)


def open_recording(files: Sequence[Path], mapping: Path | None) -> Recording:
    """Return the recording of files: rows with their mapping, or JSON Lines of events without one.

    Raises
    ------
    RefuseInputError
        When a file or the mapping is not usable; says what to change.
    """
    for path in files:
        if not path.is_file():
            raise RefuseInputError(f"there is no file {path}")
        if mapping is None and path.suffix.lower() not in EVENT_FILES:
            raise RefuseInputError(
                f"{path} needs a mapping file: only JSON Lines can hold events as they are"
            )
    return Recording(files, None if mapping is None else load_mapping(mapping))
