"""A Spark session on a given Java: Spark's own launcher needs modules that a small Java lacks, so its gateway is started directly."""

import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyspark
from pyspark.sql import SparkSession

from infra import class_archive
from processing.errors import StopQueryError

_START_TIMEOUT_S: Final = 60
_HOME: Final = Path(pyspark.__file__).parent
_LOG_CONFIG: Final = Path(__file__).with_name("log4j2.properties")
_OPENED: Final = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)

_LOCAL: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.chunkBase64String.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.log.structuredLogging.enabled": "false",
    # one method for a whole stage outgrows what Java compiles (8,000 bytecodes); expressions of their own do not
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.methodSplitThreshold": "4096",
}


@contextmanager
def spark_session(
    java: Path,
    jars: Sequence[Path],
    *,
    slots: int,
    memory: str,
    log_level: str,
    conf: Mapping[str, str],
    brief: bool = False,
) -> Iterator[SparkSession]:
    """Start Spark in a Java process of its own and stop both at the end.

    The Java process ends with this one, however this one ends: it watches its standard input.

    Parameters
    ----------
    java
        The Java binary, 17 or later.
    jars
        Connector jars beside Spark's own.
    slots
        Tasks that may run at once; may exceed the cores.
    memory
        Heap of the Java process, as in `2g`.
    log_level
        Spark's log level.
    conf
        Further Spark settings.
    brief
        Whether it lives for minutes only, on few rows: Java's second compiler, which pays later, is left out.

    Raises
    ------
    StopQueryError
        When the Java process does not come up, or a session runs in this process already.
    """
    if SparkSession.getActiveSession() is not None:
        raise StopQueryError("a Spark session runs in this process already: end it first")
    own_jars = _HOME / "jars"
    archive = class_archive.archive_of(java, "spark", sorted(own_jars.glob("*.jar")))
    with tempfile.TemporaryDirectory(prefix="fastdata-spark-") as folder:
        # a session without a connector is one on tables, and loads too few of a stream's classes
        classes = Path(folder) / "classes" if jars else None
        flags = [f"-Xmx{memory}", *class_archive.flags(archive, classes)]
        if brief:
            flags.append("-XX:TieredStopAtLevel=1")
        gateway = _start_gateway(_command(java, flags, jars, log_level), Path(folder) / "connection")
        builder = SparkSession.builder.master(f"local[{slots}]").appName("fastdata")
        for key, value in {**_LOCAL, **conf}.items():
            builder = builder.config(key, value)
        session = builder.getOrCreate()
        try:
            yield session
        finally:
            session.stop()
            _stop_gateway(session, gateway)
        if classes is not None:
            class_archive.make_later(java, f"{own_jars}/*", archive, classes)


def _start_gateway(command: Sequence[str], info: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        env={
            **os.environ,
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(info),
            "SPARK_HOME": str(_HOME),
            "SPARK_LOCAL_IP": "127.0.0.1",
            # estimators of a model's own file are found where its user stands
            "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(Path.cwd())]),
        },
    )
    port, secret = _connection(info, process)
    os.environ.update(
        PYSPARK_GATEWAY_PORT=str(port), PYSPARK_GATEWAY_SECRET=secret, PYSPARK_PYTHON=sys.executable
    )
    return process


def _command(java: Path, flags: Sequence[str], jars: Sequence[Path], log_level: str) -> list[str]:
    # Spark's own jars first: a class archive is of these, and holds whatever follows them
    class_path = os.pathsep.join([f"{_HOME}/jars/*", *map(str, jars)])
    return [
        str(java),
        *flags,
        # Every query waits while garbage is collected: by default up to 200 ms at a time, once in a minute or two.
        "-XX:MaxGCPauseMillis=50",
        *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED),
        f"-Dlog4j2.configurationFile={_LOG_CONFIG}",
        f"-Dfastdata.log.level={log_level}",
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Djava.net.preferIPv4Stack=true",
        "-cp",
        class_path,
        "org.apache.spark.deploy.SparkSubmit",
        "pyspark-shell",
    ]


def _connection(info: Path, process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not info.is_file():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise StopQueryError(
                f"Spark's Java process did not start (exit code {process.poll()}); its output above says why"
            )
        time.sleep(0.02)
    data = info.read_bytes()
    info.unlink()  # it holds a secret, and the folder stays as long as the session
    port, size = struct.unpack_from("!ii", data)
    return port, data[8 : 8 + size].decode()


def _stop_gateway(session: SparkSession, process: "subprocess.Popen[bytes]") -> None:
    gateway = type(session.sparkContext)._gateway  # noqa: SLF001 - pyspark has no public way to end its gateway
    if gateway is not None:
        gateway.shutdown()
    type(session.sparkContext)._gateway = None  # noqa: SLF001 - a later session must not talk to the ended process
    type(session.sparkContext)._jvm = None  # noqa: SLF001 - see above
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    os.environ.pop("PYSPARK_GATEWAY_PORT", None)
    os.environ.pop("PYSPARK_GATEWAY_SECRET", None)
