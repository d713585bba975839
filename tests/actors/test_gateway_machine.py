"""Random interleavings of commands, requests to cancel, devices' words and crashes at every step of the gateway."""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.bridges.errand import Errand, Word
from actors.gateway import Gateway
from actors.ledger_file import open_ledger
from models.actions import Ack, Command

numbers = st.integers(0, 4)
GRACE_MS = 5


class CrashError(Exception):
    pass


class World:
    """Devices that carry each command out at most once, as the contract says, and a way to them that loses nothing."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.effects: list[str] = []
        self.waiting: dict[str, Errand] = {}
        self.words: list[Word] = []
        self.unsettled: list[Word] = []

    def resume(self, errands: Any) -> None:
        self.give(errands)

    def give(self, errands: Any) -> None:
        self.waiting |= {one.command_id: one for one in errands}

    def drop(self, command_ids: Any) -> None:
        for name in command_ids:
            self.waiting.pop(name, None)

    def hear(self) -> list[Word]:
        self.unsettled += self.words
        self.words = []
        return list(self.unsettled)

    def settle(self) -> None:
        self.unsettled = []

    def close(self) -> None:
        pass

    def reach(self, name: str, outcome: str, now: int) -> None:
        """Let the device of a command wake: it does what is new to it, and answers, again if need be."""
        errand = self.waiting.get(name)
        if errand is None and name not in self.known:
            return
        if errand is not None and name not in self.known:
            late = errand.command is not None and now > errand.command.expires_at
            self.known[name] = "cancelled" if errand.cancel else "expired" if late else outcome
            self.effects += [name] if self.known[name] == "succeeded" else []
        self.words.append(Word(command_id=name, said=self.known[name]))  # type: ignore[arg-type]


class Interleavings(RuleBasedStateMachine):
    """What was told never lies, and nothing is lost."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self.world = World()
        self.now = 100
        self.sent: dict[str, Command] = {}
        self.topic: dict[str, list[str]] = defaultdict(list)
        self._opened: Any = None
        self._start()

    def teardown(self) -> None:
        for name in list(self.sent):
            self.world.reach(name, "refused", self.now)
        self.now += 1_000
        self._turn()
        for name in self.sent:
            assert self._last(name), f"{name} was never answered: {self.topic[name]}"
        self._opened.__exit__(None, None, None)
        self._directory.cleanup()

    @rule(number=numbers, lasts=st.integers(0, 60))
    def send(self, number: int, lasts: int) -> None:
        name = f"c{number}"
        command = self.sent.setdefault(name, self._command(name, self.now + lasts))
        self._turn(command)

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        self._turn(self._command(f"x{number}", self.now + 10_000, cancels=f"c{number}"))

    @rule(number=numbers, outcome=st.sampled_from(["succeeded", "refused"]))
    def device_wakes(self, number: int, outcome: str) -> None:
        self.world.reach(f"c{number}", outcome, self.now)

    @rule(number=numbers, said=st.sampled_from(["sent", "delivered"]))
    def device_has_it(self, number: int, said: Any) -> None:
        if f"c{number}" in self.world.waiting and f"c{number}" not in self.world.known:
            self.world.words.append(Word(command_id=f"c{number}", said=said))

    @rule(later=st.integers(1, 40))
    def time_goes_by(self, later: int) -> None:
        self.now += later
        self._turn()

    @rule()
    def listens(self) -> None:
        self._turn()

    @rule(number=numbers)
    def crashes_before_an_answer_is_out(self, number: int) -> None:
        command = self.sent.get(f"c{number}")
        self.gateway.take([command] if command else [])
        self.gateway.hear()
        self._start()

    @rule()
    def crashes_before_the_ledger_knows(self) -> None:
        save = self.ledger.save

        def crash(*_: Any) -> None:
            raise CrashError

        self.ledger.save = crash
        try:
            self.gateway.hear()
        except CrashError:
            self._start()
        else:
            self.ledger.save = save

    @invariant()
    def one_last_word_is_told_of_each(self) -> None:
        for name, outcomes in self.topic.items():
            last = list(dict.fromkeys(outcome for outcome in outcomes if outcome != "delivered"))
            assert len(last) <= 1 or last == ["expired", "succeeded"], f"{name}: {outcomes}"

    @invariant()
    def no_effect_is_double_in_the_world_or_in_the_ledger(self) -> None:
        recorded = [effect.command_id for effect in self.ledger.effects()]
        assert len(recorded) == len(set(recorded))
        assert set(recorded) <= set(self.world.effects)
        assert len(self.world.effects) == len(set(self.world.effects))

    @invariant()
    def success_is_told_only_of_what_took_effect(self) -> None:
        told = {name for name, outcomes in self.topic.items() if "succeeded" in outcomes}
        assert told <= set(self.world.effects)

    def _start(self) -> None:
        if self._opened is not None:
            self._opened.__exit__(None, None, None)
        self.world.waiting.clear()
        self._opened = open_ledger(Path(self._directory.name) / "ledger.sqlite")
        self.ledger: Any = self._opened.__enter__()
        self.gateway = Gateway(self.ledger, self.world, lambda: self.now, GRACE_MS)
        self._tell(self.gateway.resume())

    def _turn(self, *commands: Command) -> None:
        self.now += 1
        self._tell([*self.gateway.take(commands), *self.gateway.hear()])

    def _tell(self, acks: list[Ack]) -> None:
        for ack in acks:
            self.topic[ack.command_id].append(ack.outcome)
        self.gateway.told(acks)

    def _last(self, name: str) -> list[str]:
        return [outcome for outcome in self.topic[name] if outcome != "delivered"]

    def _command(self, name: str, expires_at: int, **fields: Any) -> Command:
        return Command(
            command_id=name,
            kind="block_card",
            entity="card",
            issued_at=self.now,
            expires_at=expires_at,
            **fields,
        )


Interleavings.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestInterleavings = Interleavings.TestCase
