"""Simulated devices: some sleep, some refuse, all work for a while on what they are told; the ledger is their memory."""

import heapq
import itertools
from collections.abc import Sequence

from msgspec.structs import replace

from actors.bridges.errand import Errand, Word
from actors.issuer import verdict, wakes_at
from actors.settings import GatewaySettings
from ingest.ports import Clock
from models.actions import Command


class SimulatedDevices:
    """Devices in this process, a bridge of their own.

    Parameters
    ----------
    clock
        Milliseconds since the epoch; devices wake and finish by it.
    """

    def __init__(self, settings: GatewaySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._under_way: dict[str, Errand] = {}
        self._due: list[tuple[int, int, str]] = []
        self._order = itertools.count()
        self._heard: list[Word] = []

    def resume(self, errands: Sequence[Errand]) -> None:
        """Tell the devices again: they know what the ledger knows."""
        self.give(errands)

    def give(self, errands: Sequence[Errand]) -> None:
        """Tell the devices, now or when they wake; one that has not finished a command drops it when asked."""
        now = self._clock()
        for errand in errands:
            if errand.cancel is not None:
                self.drop([errand.command_id])
                self._heard.append(
                    Word(command_id=errand.command_id, said="cancelled", reason="dropped before it was done")
                )
            else:
                self._begin(errand, now)

    def drop(self, command_ids: Sequence[str]) -> None:
        """Forget these."""
        for command_id in command_ids:
            self._under_way.pop(command_id, None)

    def hear(self) -> list[Word]:
        """Return what devices have said by now."""
        heard, self._heard = self._heard, []
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            _, _, command_id = heapq.heappop(self._due)
            if (errand := self._under_way.get(command_id)) is not None:
                heard.append(self._said(errand, now))
        return heard

    def settle(self) -> None:
        """Nothing has to be told: a word is heard once, and a lost one is found again from the ledger."""

    def close(self) -> None:
        """Nothing is open."""

    def _begin(self, errand: Errand, now: int) -> None:
        self._under_way[errand.command_id] = errand
        if errand.state == "delivered":
            self._plan(errand, now + self._work_ms)
            return
        settings = self._settings
        wakes = wakes_at(
            errand.entity,
            now,
            probability=settings.sleep_probability,
            sleep_ms=round(settings.sleep_s * 1_000),
            seed=settings.seed,
        )
        self._plan(errand, min(wakes, errand.expires_at + 1))

    def _said(self, errand: Errand, now: int) -> Word:
        command = errand.command
        assert command is not None
        if errand.state == "delivered":
            return self._last_word(errand, command, command.issued_at)
        if now <= command.expires_at and self._work_ms:
            self._under_way[errand.command_id] = delivered = replace(errand, state="delivered")
            self._plan(delivered, now + self._work_ms)
            return Word(command_id=errand.command_id, said="delivered", reason="the device works on it")
        return self._last_word(errand, command, now)

    def _last_word(self, errand: Errand, command: Command, reached_at: int) -> Word:
        del self._under_way[errand.command_id]
        settings = self._settings
        said, reason = verdict(
            command, reached_at, refuse_probability=settings.refuse_probability, seed=settings.seed
        )
        return Word(command_id=errand.command_id, said=said, reason=reason)

    def _plan(self, errand: Errand, at: int) -> None:
        heapq.heappush(self._due, (at, next(self._order), errand.command_id))

    @property
    def _work_ms(self) -> int:
        return round(self._settings.latency_s * 1_000)
