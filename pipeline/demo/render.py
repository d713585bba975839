"""How the live view looks: a panel on a terminal, plain lines elsewhere, and the summary."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.demo.latencies import Percentiles
from pipeline.demo.view import AlarmLine, ModelPicture, Picture


def panel(stage: str, picture: Picture) -> Panel:
    """Return the view for a terminal."""
    return Panel(Group(_numbers(picture), Text(""), _alarms(picture)), title=f"fastdata demo: {stage}")


def line(stage: str, picture: Picture) -> str:
    """Return the view as one line."""
    return f"{stage}: {'; '.join(map(_short, picture.models))}"


def _short(model: ModelPicture) -> str:
    return (
        f"{model.model} {model.scored:,} scored, {model.per_s:,.0f}/s, lag {model.lag:,}, "
        f"to score {spread(model.to_score)}, to acknowledged command {spread(model.to_ack)}, "
        f"{model.alarms} alarms, precision {share(model.precision)}"
    )


def summary(picture: Picture, warm_up_s: float | None, held_s: float) -> Iterator[str]:
    """Return the end result, line by line.

    Parameters
    ----------
    warm_up_s
        Seconds until latencies counted; None when they never did.
    held_s
        Seconds that the sources waited for the query.
    """
    for model in picture.models:
        yield from _summed(model)
    yield f"({_measured(warm_up_s)})"
    if held_s >= 1:
        yield f"(the sources waited {held_s:.0f} s: until the query was at work, and while it took fewer events than came)"


def _summed(model: ModelPicture) -> Iterator[str]:
    overall = model.to_score_overall, model.to_ack_overall
    yield f"{model.model}: {model.accepted:,} {model.event}s accepted, {model.scored:,} scored"
    yield f"  alarms            {model.alarms:,} opened by {model.alerts:,} alerts; commands: {_outcomes(model)}"
    yield f"  precision         {share(model.precision)} of the alerts were right in the simulated world"
    yield f"  event to score    {spread(overall[0])} over {overall[0].count:,} events"
    yield f"  event to command  {spread(overall[1])} over {overall[1].count:,} acknowledged commands"
    if model.latest is not None:
        alarm = model.latest
        yield f"  latest alarm      {alarm.entity}: score {alarm.score:.3f}, {alarm.why}; {alarm.command}"


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


def _outcomes(model: ModelPicture) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(model.outcomes.items())) or "none"


_ROWS: Final[dict[str, Callable[[ModelPicture], str]]] = {
    "scored": lambda m: f"{m.scored:,} of {m.accepted:,} {m.event}s",
    "now": lambda m: f"{m.per_s:,.0f}/s, lag {m.lag:,}",
    "event to score": lambda m: spread(m.to_score),
    "event to acknowledged command": lambda m: spread(m.to_ack),
    "alarms": lambda m: f"{m.alarms:,} from {m.alerts:,} alerts, precision {share(m.precision)}",
    "commands": _outcomes,
}


def _numbers(picture: Picture) -> Table:
    table = Table("", *(model.model for model in picture.models), box=None)
    for name, text in _ROWS.items():
        table.add_row(name, *(text(model) for model in picture.models))
    return table


def _alarms(picture: Picture) -> Table:
    table = Table("alarm opened", "model", "on", "score", "why", "truth", "command", expand=True)
    for alarm in picture.latest:
        table.add_row(*_alarm(alarm))
    return table


def _alarm(alarm: AlarmLine) -> tuple[str, ...]:
    return (
        f"{datetime.fromtimestamp(alarm.opened_at / 1000, UTC):%H:%M:%S}",
        alarm.model,
        alarm.entity,
        f"{alarm.score:.3f}",
        alarm.why,
        "right" if alarm.true else "wrong",
        alarm.command,
    )
