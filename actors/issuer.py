"""The simulated card issuer and plant, pure: when their devices are awake and what they answer, always the same."""

from hashlib import blake2b
from typing import Final

from models.actions import Command, CommandKind, Outcome

_DONE: Final[dict[CommandKind, str]] = {
    "block_card": "the card is blocked",
    "unblock_card": "the card is open again",
    "reduce_load": "the machine runs at reduced load",
    "restore_load": "the machine runs at its planned load again",
    "stop_machine": "the machine is stopped",
    "start_machine": "the machine runs again",
    "schedule_inspection": "an inspection is scheduled",
}
_REFUSED: Final[dict[CommandKind, str]] = {
    "block_card": "the issuer keeps the card open",
    "unblock_card": "the issuer keeps the card blocked",
    "reduce_load": "the plant keeps the machine at its load",
    "restore_load": "the plant keeps the machine at reduced load",
    "stop_machine": "the plant keeps the machine running",
    "start_machine": "the plant keeps the machine stopped",
    "schedule_inspection": "the plant has no one to inspect it",
}
_RANGE: Final = 2**64


def verdict(command: Command, now: int, *, refuse_probability: float, seed: int) -> tuple[Outcome, str]:
    """Return what the device says to a command that reaches it at this time (milliseconds since the epoch)."""
    if now > command.expires_at:
        return "expired", f"expired {now - command.expires_at} ms ago"
    if _share(command.command_id, seed) < refuse_probability:
        return "refused", _REFUSED[command.kind]
    return "succeeded", _DONE[command.kind]


def wakes_at(entity: str, now: int, *, probability: float, sleep_ms: int, seed: int) -> int:
    """Return when the device is awake, from now on (milliseconds since the epoch).

    A device that sleeps does so in turns: `sleep_ms` asleep, as long awake, each device in a phase of its own.
    """
    if not sleep_ms or _share(f"sleeps/{entity}", seed) >= probability:
        return now
    phase = round(_share(f"phase/{entity}", seed) * 2 * sleep_ms)
    slept = (now + phase) % (2 * sleep_ms)
    return now + max(0, sleep_ms - slept)


def _share(name: str, seed: int) -> float:
    digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _RANGE
