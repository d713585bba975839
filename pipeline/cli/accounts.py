"""What a feed did, in one line."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ingest.reports import FeedReport


def tell(report: "FeedReport") -> None:
    """Print how a feed ended, and what was accepted and refused."""
    accepted = ", ".join(f"{count:,} {kind}s" for kind, count in report.accepted.items()) or "nothing"
    refused = ", ".join(f"{count:,} {reason}" for reason, count in report.rejected.items()) or "nothing"
    typer.echo(
        f"{report.end} after {report.elapsed_s:.1f} s: accepted {accepted}; refused into dead-letters {refused}"
    )
