"""Errors of the composition root, named for what the command line does next."""


class PipelineError(Exception):
    """Base of every error that pipeline raises."""


class FailCheckError(PipelineError):
    """A check ran and did not hold: exit with 1."""


class RefuseUsageError(PipelineError):
    """A setting, flag or input is wrong: exit with 2 and say what to change."""


class ServerAwayError(PipelineError):
    """A server does not answer: exit with 3 and say how to start it."""


class StopProcessError(PipelineError):
    """The work can't go on, or was stopped before its end: exit with 1."""
