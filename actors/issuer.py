"""The simulated card issuer and plant, pure: what they answer to a command, the same however often they are asked."""

from hashlib import blake2b
from typing import Final

from models.actions import Ack, Command, CommandKind, Outcome

_DONE: Final[dict[CommandKind, str]] = {
    "block_card": "the card is blocked",
    "reduce_load": "the machine runs at reduced load",
    "stop_machine": "the machine is stopped",
    "schedule_inspection": "an inspection is scheduled",
}
_REFUSED: Final[dict[CommandKind, str]] = {
    "block_card": "the issuer keeps the card open",
    "reduce_load": "the plant keeps the machine at its load",
    "stop_machine": "the plant keeps the machine running",
    "schedule_inspection": "the plant has no one to inspect it",
}
_RANGE: Final = 2**64


def answer(command: Command, now: int, *, refuse_probability: float, seed: int) -> Ack:
    """Answer one command at this time (milliseconds since the epoch)."""
    outcome, reason = _verdict(command, now, refuse_probability, seed)
    return Ack(
        command_id=command.command_id,
        entity=command.entity,
        alarm_id=command.alarm_id,
        outcome=outcome,
        reason=reason,
        at=now,
    )


def _verdict(command: Command, now: int, refuse_probability: float, seed: int) -> tuple[Outcome, str]:
    if now > command.expires_at:
        return "expired", f"expired {now - command.expires_at} ms ago"
    if _chance(command.command_id, seed) < refuse_probability:
        return "refused", _REFUSED[command.kind]
    return "succeeded", _DONE[command.kind]


def _chance(command_id: str, seed: int) -> float:
    digest = blake2b(f"{seed}/{command_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _RANGE
