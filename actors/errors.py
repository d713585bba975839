"""Errors of the acting runtime, named for what the runtime does next."""


class ActorsError(Exception):
    """Base of every error that actors raise."""


class RetryBatchError(ActorsError):
    """The shard that held the batch is gone: give the same batch to its successor."""


class RetryLaterError(ActorsError):
    """Kafka did not take a message: the same work is done again after a pause."""


class StoppingError(ActorsError):
    """The worker is asked to stop: leave the batch, its offsets stay uncommitted and it comes again."""


class StopProcessError(ActorsError):
    """Nothing in this process helps any more: end it, its supervisor starts a new one."""


class RefuseLedgerError(ActorsError):
    """The gateway's ledger is not one, or of another version: refuse it before a command is taken."""


class RefuseSecretError(ActorsError):
    """A token or password can't be read: refuse the gateway's start before a command is taken."""


class RetryConnectError(ActorsError):
    """The broker is away or has refused the connection: try again after a pause."""
