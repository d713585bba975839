"""How the live view looks: a panel on a terminal, plain lines elsewhere, and the summary."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.demo.latencies import Percentiles
from pipeline.demo.view import AlarmLine, Picture


def panel(stage: str, picture: Picture) -> Panel:
    """Return the view for a terminal."""
    return Panel(Group(_numbers(picture), Text(""), _alarms(picture)), title=f"fastdata demo: {stage}")


def line(stage: str, picture: Picture) -> str:
    """Return the view as one line."""
    return (
        f"{stage}: {picture.scored:,} scored, {picture.per_s:,.0f}/s, lag {picture.lag:,}; "
        f"to score {spread(picture.to_score)}; to acknowledged command {spread(picture.to_ack)}; "
        f"{picture.alarms} alarms, precision {share(picture.precision)}"
    )


def summary(picture: Picture, warm_up_s: float | None) -> Iterator[str]:
    """Return the end result, line by line."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(picture.outcomes.items()))
    yield f"transactions      {picture.accepted:,} accepted, {picture.scored:,} scored"
    yield f"alarms            {picture.alarms:,} opened by {picture.alerts:,} alerts; commands: {outcomes or 'none'}"
    yield f"precision         {share(picture.precision)} of the alerts were fraud in the simulated world"
    yield f"event to score    {spread(picture.to_score_overall)} over {picture.to_score_overall.count:,} events"
    yield f"event to command  {spread(picture.to_ack_overall)} over {picture.to_ack_overall.count:,} acknowledged commands"
    yield f"                  ({_measured(warm_up_s)})"


def _measured(warm_up_s: float | None) -> str:
    if warm_up_s is None:
        return "no latencies: the query was still catching up from its start; play for longer"
    return f"latencies without the first {warm_up_s:.0f} s: Java's warm-up, until its backlog was gone"


def spread(found: Percentiles) -> str:
    """Return percentiles as text."""
    return "-" if math.isnan(found.p50) else f"p50 {found.p50:,.0f} ms, p99 {found.p99:,.0f} ms"


def share(value: float | None) -> str:
    """Return a share as a percentage."""
    return "-" if value is None else f"{value:.0%}"


def _numbers(picture: Picture) -> Table:
    table = Table.grid(padding=(0, 2))
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(picture.outcomes.items()))
    rows = (
        (
            "events",
            f"{picture.scored:,} scored of {picture.accepted:,}",
            f"{picture.per_s:,.0f}/s, lag {picture.lag:,}",
        ),
        ("event to score", spread(picture.to_score), "last 10 s"),
        ("event to acknowledged command", spread(picture.to_ack), "last 10 s"),
        (
            "alarms",
            f"{picture.alarms:,} from {picture.alerts:,} alerts",
            f"precision {share(picture.precision)}",
        ),
        ("commands", outcomes or "none yet", ""),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _alarms(picture: Picture) -> Table:
    table = Table("alarm opened", "card", "score", "amount", "truth", "block_card", expand=True)
    for alarm in picture.latest:
        table.add_row(*_alarm(alarm))
    return table


def _alarm(alarm: AlarmLine) -> tuple[str, ...]:
    return (
        f"{datetime.fromtimestamp(alarm.opened_at / 1000, UTC):%H:%M:%S}",
        alarm.card,
        f"{alarm.score:.3f}",
        f"{alarm.amount:,.2f}",
        "fraud" if alarm.fraud else "genuine",
        alarm.command,
    )
