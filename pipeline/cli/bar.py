"""The progress bar of a feed, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ingest.reports import OnProgress
from ingest.reports import Progress as Step

_RATE_AFTER_S = 0.5


@contextmanager
def bar(doing: str) -> Iterator[OnProgress]:
    """Show a bar and yield the function that moves it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(doing, total=None, rate="")

        def move(step: Step) -> None:
            rate = (step.accepted + step.rejected) / max(step.elapsed_s, _RATE_AFTER_S)
            progress.update(task, completed=step.sent, total=step.total, rate=f"{rate:,.0f}/s")

        yield move
