"""Errors of bringing servers up, named for what the caller does next."""


class InfraError(Exception):
    """Base of every error that infra raises."""


class RefuseJarError(InfraError):
    """A jar is not the one that the lock names: nothing may run from it."""


class RetryLaterError(InfraError):
    """A download failed on the way: the same call may succeed later."""


class RefuseStateError(InfraError):
    """The state directory does not fit what was asked: change the settings or wipe it."""


class GiveUpStartError(InfraError):
    """A server did not come up; the message carries the reason from its log."""


class PortTakenError(GiveUpStartError):
    """A server did not come up because another process listens on its port."""


class GiveUpStopError(InfraError):
    """A server would not stop, or its data could not be deleted."""
