"""The plant's decision: a command that the gateway has accepted takes effect on the machine, once; pure."""

from collections import OrderedDict
from typing import Final, TypeVar, get_args

from ingest.fleet.orders import Order, OrderKind
from models.actions import Ack, Command

KEPT: Final = 10_000
"""So many commands and answers are remembered, the latest ones."""

V = TypeVar("V")
_KINDS: Final = frozenset(get_args(OrderKind))


class Plant:
    """Matches commands with the gateway's answers, whichever comes first and however often.

    Parameters
    ----------
    since
        Commands issued before this time are not this plant's (milliseconds since the epoch).
    """

    def __init__(self, since: int) -> None:
        self._since = since
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._succeeded: OrderedDict[str, None] = OrderedDict()
        self._done: OrderedDict[str, None] = OrderedDict()

    def command(self, command: Command) -> Order | None:
        """Take a command; return the order if it was accepted before and is not carried out yet."""
        if command.kind in _KINDS and command.issued_at >= self._since and command.cancels is None:
            _remember(self._commands, command.command_id, command)
        return self._order(command.command_id)

    def ack(self, ack: Ack) -> Order | None:
        """Take the gateway's answer; return the order if that accepts a known command, for the first time."""
        if ack.outcome == "succeeded":
            _remember(self._succeeded, ack.command_id, None)
        return self._order(ack.command_id)

    def _order(self, command_id: str) -> Order | None:
        command = self._commands.get(command_id)
        if command is None or command_id not in self._succeeded or command_id in self._done:
            return None
        _remember(self._done, command_id, None)
        return _order_of(command)


def _order_of(command: Command) -> Order | None:
    match command.kind:
        case "reduce_load" | "restore_load" | "stop_machine" | "start_machine" | "schedule_inspection":
            return Order(command.entity, command.kind)
    return None


def _remember(kept: "OrderedDict[str, V]", command_id: str, value: V) -> None:
    kept[command_id] = value
    kept.move_to_end(command_id)
    while len(kept) > KEPT:
        kept.popitem(last=False)
