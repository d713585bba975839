"""Errors of the Spark runtime, named for what the runtime does next."""


class ProcessingError(Exception):
    """Base of every error that processing raises."""


class StopQueryError(ProcessingError):
    """The query can't go on: stop the process; a restart continues from the checkpoint."""


class RefuseTrainingError(ProcessingError):
    """The training data can't give a model: nothing was written."""
