"""The texts of `dead-letters`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ingest.masking import mask_cards
from pipeline.bootstrap.dead_letters import Shown
from pipeline.dead_letters.letters import Letter
from pipeline.dead_letters.overview import Group
from pipeline.dead_letters.redrive import Report
from pipeline.dead_letters.trial import Trial
from storage.redrives import Redrive


def groups(found: Sequence[Group]) -> Iterator[str]:
    """Return a line a group."""
    for group in found:
        again = f", {group.redriven:,} sent again" if group.redriven else ""
        where = group.source if group.topic is None else f"{group.source} {group.topic}"
        yield (
            f"{group.letters:>8,}  {group.reason:<17}  {where:<24}  {at(group.first)} to {at(group.last)}"
            f"  e.g. {group.example}{again}"
        )


def letter_line(letter: Letter, redrive: Redrive | None) -> str:
    """Return a letter as a line."""
    held = letter.letter
    again = "" if redrive is None else f"  {_state(redrive)}"
    return f"{letter.letter_id}  {at(letter.written_at)}  {held.reason:<17}  {held.source} {held.position}{again}"


def letter_as_dict(letter: Letter, redrive: Redrive | None) -> dict[str, Any]:
    """Return a letter as plain values, without what it holds."""
    held = letter.letter
    return {
        "letter_id": letter.letter_id,
        "reason": held.reason,
        "detail": held.detail,
        "source": held.source,
        "position": held.position,
        "topic": letter.topic,
        "size": held.size,
        "written_at": letter.written_at,
        "letter_position": letter.position,
        "redrive": None if redrive is None else asdict(redrive),
    }


def story(shown: Shown) -> Iterator[str]:
    """Return everything about one letter."""
    letter, held = shown.letter, shown.letter.letter
    yield f"{letter.letter_id}  {held.reason}: {held.detail}"
    yield f"  from {held.source} {held.position}, {held.size:,} bytes; refused {at(letter.written_at)}, {letter.position}"
    if shown.findings:
        yield f"  against {shown.event_type}:"
        wide = max(len(finding.name) for finding in shown.findings)
        for finding in shown.findings:
            value = "" if finding.value is None else f"{finding.value}  "
            yield f"    {finding.name:<{wide}}  {finding.problem:<7}  {value}({finding.wanted})"
    yield f"  holds {payload(letter)}"
    trial = shown.trial
    yield (
        "  as it is the door would take it" if trial.event else f"  as it is: {trial.reason}: {trial.detail}"
    )
    if shown.redrive is not None:
        yield f"  {redrive_line(shown.redrive)}"


def as_dict(shown: Shown) -> dict[str, Any]:
    """Return one letter as plain values."""
    return letter_as_dict(shown.letter, shown.redrive) | {
        "event_type": shown.event_type,
        "findings": [asdict(finding) for finding in shown.findings],
        "payload": payload(shown.letter),
        "acceptable": shown.trial.event is not None,
    }


def payload(letter: Letter) -> str:
    """Return what was kept of an event, card numbers masked."""
    return mask_cards(letter.payload).decode(errors="backslashreplace")


def trials(found: Sequence[Trial], shown: int) -> Iterator[str]:
    """Return what a fix changes, for the first few letters, and what becomes of all."""
    for trial in found[:shown]:
        became = f"{trial.reason}: {trial.detail}" if trial.event is None else f"event {trial.event.event_id}"
        yield f"{trial.letter.letter_id}  {trial.letter.letter.reason} -> {became}"
        for change in trial.changes:
            yield f"  - {change.name}: {change.before or 'not there'}"
            yield f"  + {change.name}: {change.after or 'not there'}"
    yield ", ".join(
        [f"{sum(t.event is not None for t in found):,} of {len(found):,} would be taken", *_refused(found)]
    )


def trials_as_dict(found: Sequence[Trial], name: str | None) -> dict[str, Any]:
    """Return what a fix changes as plain values."""
    return {
        "fix": name,
        "taken": sum(trial.event is not None for trial in found),
        "refused": dict(_reasons(found)),
        "letters": [
            {
                "letter_id": trial.letter.letter_id,
                "event_id": trial.event.event_id if trial.event else None,
                "reason": trial.reason,
                "detail": trial.detail,
                "changes": [asdict(change) for change in trial.changes],
            }
            for trial in found
        ],
    }


def report(found: Report) -> str:
    """Return what became of letters that were sent again."""
    parts = [f"{count:,} sent to {topic}" for topic, count in found.sent.items()] or ["0 sent"]
    if found.already:
        parts.append(f"{found.already:,} had been sent before")
    if found.found:
        parts.append(f"{found.found:,} of them found in their topic after a broken attempt")
    if found.under_way:
        parts.append(
            f"{found.under_way:,} are being sent by somebody else, or were a moment ago: repeat this in 3 minutes"
        )
    return ", ".join(
        [*parts, *(f"{count:,} refused again as {reason}" for reason, count in found.refused.items())]
    )


def redrive_line(redrive: Redrive) -> str:
    """Return a redrive as a line."""
    fixed = f"; fixed by {redrive.fix}" if redrive.fix else ""
    return (
        f"{at(redrive.claimed_at)}  {redrive.who}: {redrive.letter_id} {_state(redrive)}, event {redrive.event_id} "
        f"({redrive.why}){fixed}"
    )


def at(ms: int) -> str:
    """Return a time (milliseconds since the epoch) for people, in UTC."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"


def _state(redrive: Redrive) -> str:
    if redrive.sent_at is None:
        return "begun, not known to be sent"
    return f"sent again to {redrive.topic}/{redrive.partition}/{redrive.offset}"


def _reasons(found: Sequence[Trial]) -> Counter[str]:
    return Counter(trial.reason for trial in found if trial.event is None)


def _refused(found: Sequence[Trial]) -> list[str]:
    return [f"{count:,} not: {reason}" for reason, count in _reasons(found).items()]
