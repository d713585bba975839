"""Errors of ingest, named for what the runtime does next."""


class IngestError(Exception):
    """Base of every error that ingest raises."""


class RetryLaterError(IngestError):
    """Kafka did not answer or did not acknowledge: try the same again later."""


class RefuseInputError(IngestError):
    """A file, a mapping, an option or a message is unusable as it is: refuse it and say what to change."""


class RefuseSettingsError(IngestError):
    """The settings contradict the cluster or each other: refuse to start."""


class StopProcessError(IngestError):
    """The client can't go on in this process (fenced, not authorised): stop and let the supervisor restart it."""
