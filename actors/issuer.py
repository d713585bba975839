"""The simulated card issuer, pure: what it answers to a command, the same answer however often it is asked."""

from hashlib import blake2b
from typing import Final

from models.actions import Ack, Command, Outcome

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
        return "refused", "the issuer keeps the card open"
    return "succeeded", "the card is blocked"


def _chance(command_id: str, seed: int) -> float:
    digest = blake2b(f"{seed}/{command_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _RANGE
