"""Errors of storage, named for what the caller does next."""


class StorageError(Exception):
    """Base of every error that storage raises."""


class RetryLaterError(StorageError):
    """Cassandra is away, overloaded or too slow: the same call may succeed later, and may be repeated."""


class StopProcessError(StorageError):
    """Cassandra refused what will never work: wrong credentials, a missing keyspace or table, a bad statement."""


class RefuseInputError(StorageError):
    """The caller asked for something that storage does not take, such as a reversed range of time."""


class RefuseMigrationError(StorageError):
    """A migration's text changed after it was applied, or its number is missing or taken twice."""


class StaleWriteError(StorageError):
    """Another writer changed the entity first: load it again and decide anew.

    Parameters
    ----------
    entity
        Whose state was to be saved.
    expected, found
        The version that the writer had loaded, and the one that is stored now.
    """

    def __init__(self, entity: str, expected: int, found: int) -> None:
        super().__init__(
            f"entity {entity!r} is at version {found}, the write expected {expected}: load it again"
        )
        self.expected = expected
        self.found = found
