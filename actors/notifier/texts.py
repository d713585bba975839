"""The words of messages, pure: what, where, since when, how bad, and the command to run. Times are UTC."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from actors.notifier.messages import Draft, Flooded, Message, MessageKind
from actors.notifier.routing import UNANSWERED, rank
from models.alarms import AlarmChange, Severity
from models.floods import Flood, FloodRule

_MINUTE: Final = 60_000
_CHANGES: Final = {
    "realarmed": "alarms again after its acknowledgement",
    "escalated": "has become worse",
    "eased": "has eased",
    "reactivated": "is active again",
    "chattering": "chatters",
    "taken_out_of_service": "taken out of service",
    "put_in_service": "is in service again",
}


class Style(NamedTuple):
    """How messages are written: the program's name in commands, and how many alarms are named in one."""

    program: str
    lines: int


def of_changes(draft: Draft, style: Style, now: int) -> list[Message]:
    """Return one message per channel that tells of changes."""
    latest = _latest(draft.changes)
    many = f"{len(latest):,} alarms, worst " if len(latest) > 1 else ""
    title = f"{many}{_name(latest[0])}: {_happened(latest[0])}"
    return _to_each(draft, "changes", title, _body(draft.changes, latest, style), now)


def of_escalation(draft: Draft, style: Style, now: int) -> list[Message]:
    """Return one message per channel that tells of alarms nobody has acknowledged."""
    latest = _latest(draft.changes)
    if len(latest) == 1:
        title = f"Not acknowledged for {_lasted(now - latest[0].opened_at)}: {_name(latest[0])}"
    else:
        title = f"{len(latest):,} alarms not acknowledged, worst {_name(latest[0])}"
    answer = f"Acknowledge: {style.program} alarms ack {latest[0].alarm_id if len(latest) == 1 else 'ID'}"
    return _to_each(draft, "escalation", title, f"{_body(latest, latest, style)}\n{answer}", now)


def of_flood(
    flooded: Flooded, flood: Flood, rule: FloodRule, channels: Iterable[str], *, style: Style, now: int
) -> list[Message]:
    """Return one message per channel: that a flood has begun, or if it has been left, what it was."""
    what = f"{flooded.severity} {flooded.condition}"
    listing = f"{style.program} alarms list"
    if flood.left_at is None:
        title = (
            f"Flood: more than {rule.more_than} alarms of {flooded.condition} in {_lasted(rule.within_ms)}"
        )
        body = (
            f"{what}: {flood.alarms:,} alarms since {_time(flood.first_at)}. "
            f"Further ones are counted, not told, until it is over.\n  {listing}"
        )
    else:
        title = f"Flood of {flooded.condition} is over: {flood.alarms:,} alarms"
        body = (
            f"{what}: {flood.alarms:,} alarms from {_time(flood.first_at)} to {_time(flood.last_at)}; "
            f"{flooded.changes:,} changes were not told one by one.\n  {listing}"
        )

    def message(channel: str) -> Message:
        return Message(
            route=flooded.route,
            channel=channel,
            kind="flood_began" if flood.left_at is None else "flood_ended",
            severity=flooded.severity,
            title=title,
            body=body,
            changes=0 if flood.left_at is None else flooded.changes,
            created_at=now,
        )

    return [message(channel) for channel in channels]


def of_test(channel: str, style: Style, now: int) -> Message:
    """Return a message that tries a channel."""
    return Message(
        route="",
        channel=channel,
        kind="test",
        severity="low",
        title=f"Test of the channel {channel}",
        body=f"Sent by `{style.program} notifications test {channel}` at {_time(now)}. Nothing has happened.",
        changes=0,
        created_at=now,
    )


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the worst severity of some."""
    return max(severities, key=rank)


def _to_each(draft: Draft, kind: MessageKind, title: str, body: str, now: int) -> list[Message]:
    severity = worst(change.severity for change in draft.changes)
    return [
        Message(
            route=draft.route,
            channel=channel,
            kind=kind,
            severity=severity,
            title=title,
            body=body,
            changes=len(draft.changes),
            created_at=now,
        )
        for channel in draft.channels
    ]


def _latest(changes: Sequence[AlarmChange]) -> list[AlarmChange]:
    """Return the last change of each alarm, the worst first."""
    last = {change.alarm_id: change for change in changes}
    return sorted(last.values(), key=lambda c: (-rank(c.severity), c.state not in UNANSWERED, c.opened_at))


def _body(changes: Sequence[AlarmChange], latest: Sequence[AlarmChange], style: Style) -> str:
    counts = Counter(change.alarm_id for change in changes)
    lines = [line for c in latest[: style.lines] for line in _lines(c, counts[c.alarm_id], style.program)]
    if more := latest[style.lines :]:
        severities = Counter(change.severity for change in more)
        by_severity = ", ".join(f"{severities[s]:,} {s}" for s in sorted(severities, key=rank, reverse=True))
        lines += [f"and {len(more):,} more ({by_severity})", f"  {style.program} alarms list"]
    return "\n".join(lines)


def _lines(change: AlarmChange, count: int, program: str) -> list[str]:
    times = f", {count} changes" if count > 1 else ""
    alerts = f"{change.alerts:,} alert{'s' if change.alerts != 1 else ''}"
    state = change.state.replace("_", ", ", 1)
    what = f"{_name(change)}: {_happened(change)}{times}; since {_time(change.opened_at)}, {state}"
    return [f"{what}; {alerts}, worst score {change.peak:.3g}", f"  {program} alarms show {change.alarm_id}"]


def _name(change: AlarmChange) -> str:
    return f"{change.severity} {change.condition} on {change.entity}"


def _happened(change: AlarmChange) -> str:
    return _CHANGES.get(change.change, change.change)


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


_UNITS: Final[Sequence[tuple[int, str]]] = ((1_440 * _MINUTE, "d"), (60 * _MINUTE, "h"), (_MINUTE, "min"))


def _lasted(length: int) -> str:
    for size, unit in _UNITS:
        if length >= 2 * size or length == size:
            return f"{length // size} {unit}"
    return f"{length // 1000} s"
