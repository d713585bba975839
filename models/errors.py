"""Errors of the domain, named for what the runtime does next."""


class ModelsError(Exception):
    """Base of every error that the domain raises."""


class RejectEventError(ModelsError):
    """The event is refused: send it to the dead letters with this reason.

    Parameters
    ----------
    reason
        One of `models.rejections.REASONS`.
    detail
        What was wrong and where, for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RefuseSpecError(ModelsError):
    """A model spec or artifact is wrong: refuse it before anything runs."""


class RefuseChangeError(ModelsError):
    """The change does not fit what is deployed: refuse it and say what would fit."""
