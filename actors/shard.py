"""The shard actor: a thread that does batches one after the other and says of each that it is done or failed."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType

import pykka

from actors.errors import StoppingError
from actors.items import Item


@dataclass(frozen=True)
class Batch:
    """Messages for one shard; `done` is resolved by the shard, with the error when the batch failed."""

    items: Sequence[Item]
    done: "Future[None]" = field(default_factory=Future)


class Shard(pykka.ThreadingActor):
    """Owns the entities that hash to it.

    An error that `work` does not cope with itself fails the batch and ends the actor; what it knew of its
    entities ends with it, and its successor loads them anew.

    Parameters
    ----------
    work
        Does the batch; made in the actor's own thread at its start.
    """

    use_daemon_thread = True  # a shard that waits for Cassandra must not keep an ending process alive

    def __init__(self, make_work: Callable[[], Callable[[Sequence[Item]], None]]) -> None:
        super().__init__()
        self._make_work = make_work
        self._batch: Batch | None = None

    def on_start(self) -> None:
        """Make the work, in this actor's thread."""
        self._work = self._make_work()

    def on_receive(self, message: Batch) -> None:
        """Do one batch."""
        self._batch = message
        try:
            self._work(message.items)
        except StoppingError as error:
            message.done.set_exception(error)
        else:
            message.done.set_result(None)

    def on_failure(
        self,
        exception_type: type[BaseException] | None,  # noqa: ARG002 - Pykka names the parameters
        exception_value: BaseException | None,
        traceback: TracebackType | None,  # noqa: ARG002 - Pykka names the parameters
    ) -> None:
        """Fail the batch that ended this actor."""
        if self._batch is not None and not self._batch.done.done():
            self._batch.done.set_exception(exception_value or RuntimeError("the shard failed"))
