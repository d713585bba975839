"""What a replay offers to the door: files, row by row, as events in order, or as refusals."""

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ingest.errors import RefuseInputError
from ingest.labels import interleave
from ingest.mapping import Mapping
from ingest.offers import Item, Offer, Refusal, checked, encode_row, offer_raw
from ingest.rows import RowMapper, Shape, mapped_columns, optional_columns, token_columns
from ingest.sources.files import open_source
from ingest.sources.json_lines import read_lines
from ingest.sources.source import Broken, Columns, about_lines
from ingest.tokens import Tokenizer
from models.errors import RejectEventError
from models.events import Transaction

Labelled = tuple[Item, Offer | None]
"""An item and the label that it causes later."""

_DIGIT: Final = re.compile(rb"\d")


class Selection(NamedTuple):
    """Which rows: event times in [start_ms, end_ms), milliseconds since the epoch, and at most `limit` of them."""

    start_ms: int | None = None
    end_ms: int | None = None
    limit: int | None = None

    def holds(self, time: int) -> bool:
        """Tell whether an event time lies in the range."""
        return (self.start_ms is None or time >= self.start_ms) and (
            self.end_ms is None or time < self.end_ms
        )


def read_events(files: Sequence[Path], selection: Selection) -> Iterator[Item]:
    """Read JSON Lines that hold events in wire format; `limit` counts lines."""
    lines = (_line(path, number, line) for path in files for number, line in read_lines(path))
    chosen = (item for item in lines if isinstance(item, Refusal) or selection.holds(item.event.event_time))
    return itertools.islice(chosen, selection.limit)


def read_rows(
    files: Sequence[Path], mapping: Mapping, tokenizer: Tokenizer, selection: Selection
) -> Iterator[Item]:
    """Read files of rows, and merge the labels of transactions into them by event time; `limit` counts rows."""
    rows = itertools.islice(_chosen(files, mapping, tokenizer, selection), selection.limit)
    return interleave(itertools.chain.from_iterable(rows))


def about_items(files: Sequence[Path], mapping: Mapping | None, limit: int | None) -> int:
    """Return how many items there will be, if nothing is wrong with them; an upper bound for a time range."""
    if mapping is None:
        count = sum(about_lines(path) for path in files)
    else:
        columns = _columns(mapping)
        count = sum(open_source(path, columns).about for path in files)
    per_row = 2 if mapping is not None and mapping.label is not None else 1
    return min(count, limit or count) * per_row


def _line(path: Path, number: int, line: bytes | Broken) -> Item:
    if isinstance(line, Broken):
        return Refusal(line.reason, line.detail, bytes(line.held), path.name, number, line.size)
    return offer_raw(line, path.name, number)


def _columns(mapping: Mapping) -> Columns:
    return Columns(
        tuple(mapped_columns(mapping)), frozenset(optional_columns(mapping)), tuple(mapping.columns)
    )


def _chosen(
    files: Sequence[Path], mapping: Mapping, tokenizer: Tokenizer, selection: Selection
) -> Iterator[list[Labelled]]:
    redact = bool(token_columns(mapping))
    for path in files:
        source = open_source(path, _columns(mapping))
        mapper = _mapper(path, mapping, source.shape, tokenizer)
        for number, row in source.rows:
            if isinstance(row, Broken):
                yield [(_refused(path, number, row, mapper, redact=redact), None)]
            elif labelled := _labelled(path, number, row, mapper, selection):
                yield labelled


def _mapper(path: Path, mapping: Mapping, shape: Shape, tokenizer: Tokenizer) -> RowMapper:
    try:
        return RowMapper(mapping, shape, tokenizer)
    except RefuseInputError as error:
        raise RefuseInputError(f"{path}: {error}") from error


def _labelled(
    path: Path, number: int, row: Sequence[Any], mapper: RowMapper, selection: Selection
) -> list[Labelled]:
    try:
        time = mapper.time(row)
        if time is not None and not selection.holds(time):
            return []
        event = mapper.event(row, time)
        checked(event)
    except RejectEventError as error:
        return [(_refusal(error, path, number, row, mapper), None)]
    offered = Offer(event, path.name, number)
    if not isinstance(event, Transaction):
        return [(offered, None)]
    try:
        label = mapper.label(row, event)
    except RejectEventError as error:
        return [(offered, None), (_refusal(error, path, number, row, mapper), None)]
    return [(offered, None if label is None else Offer(label, path.name, number))]


def _refusal(
    error: RejectEventError, path: Path, number: int, row: Sequence[Any], mapper: RowMapper
) -> Refusal:
    return Refusal(error.reason, error.detail, encode_row(mapper.shown(row)), path.name, number)


def _refused(path: Path, number: int, broken: Broken, mapper: RowMapper, *, redact: bool) -> Refusal:
    """Refuse a broken row; where a card number may hide in bytes that can't be told apart, digits are hidden."""
    if isinstance(broken.held, bytes):
        payload = _DIGIT.sub(b"#", broken.held) if redact else broken.held
    else:
        payload = encode_row(mapper.shown(broken.held))
    return Refusal(broken.reason, broken.detail, payload, path.name, number, broken.size)
