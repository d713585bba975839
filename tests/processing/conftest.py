from collections.abc import Mapping
from contextlib import AbstractContextManager

import pytest
from pyspark.sql import SparkSession
from shared_spark import SharedSpark


@pytest.fixture(scope="module")
def spark(shared_spark: SharedSpark) -> SparkSession:
    return shared_spark.session()


@pytest.fixture
def tables_in_shared_spark(shared_spark: SharedSpark, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lend the shared session, with their settings, to trainings and backtests that would each start a Java."""

    def lent(*_: object, conf: Mapping[str, str], **__: object) -> AbstractContextManager[SparkSession]:
        return shared_spark.lent(conf)

    monkeypatch.setattr("processing.labelled.spark_session", lent)
