"""What the gateway needs of a way to devices; every bridge here is one."""

from collections.abc import Sequence
from typing import Protocol

from actors.bridges.errand import Errand, Word


class Bridge(Protocol):
    """Carries commands to devices and hears what becomes of them; never waits for a device."""

    def resume(self, errands: Sequence[Errand]) -> None:
        """After a start: carry these, which devices may have already."""

    def give(self, errands: Sequence[Errand]) -> None:
        """Carry these; one that was given before comes again when it shall be cancelled."""

    def drop(self, command_ids: Sequence[str]) -> None:
        """Do nothing more for these: their last word is known."""

    def hear(self) -> list[Word]:
        """Return what was heard since the last call, in its order; the same may be heard again."""

    def settle(self) -> None:
        """Need not hear again what `hear` has returned so far: it is on disk."""

    def close(self) -> None:
        """Let go of connections; what is under way is resumed after the next start."""
