import pytest
from pyspark.sql import SparkSession
from shared_spark import SharedSpark


@pytest.fixture(scope="module")
def spark(shared_spark: SharedSpark) -> SparkSession:
    return shared_spark.session()
