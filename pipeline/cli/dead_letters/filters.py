"""The options that select dead letters."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.dead_letters.selection import Selection

Ids = Annotated[
    list[str] | None, typer.Option("--id", help="Only this letter (or names beginning so); may be repeated.")
]
Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only this reason; may be repeated.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Only of this source: a file's name, or `kafka`; may be repeated."),
]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="Only what lay in this topic; may be repeated.")
]
Since = Annotated[datetime | None, typer.Option(help="Only letters written from here on (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only letters written before this (UTC).")]


def selection(
    *,
    ids: Ids = None,
    reasons: Reasons = None,
    sources: Sources = None,
    topics: Topics = None,
    since: Since = None,
    until: Until = None,
) -> "Selection":
    """Return the filter that the options describe."""
    from pipeline.dead_letters.selection import Selection  # noqa: PLC0415 - only what runs is loaded

    return Selection(
        ids=tuple(ids or ()),
        reasons=frozenset(reasons or ()),
        sources=frozenset(sources or ()),
        topics=frozenset(topics or ()),
        since=_ms(since),
        until=_ms(until),
    )


def _ms(time: datetime | None) -> int | None:
    return None if time is None else round(time.replace(tzinfo=UTC).timestamp() * 1_000)
