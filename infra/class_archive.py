"""Java's archive of a program's classes (class data sharing): it then starts with about half the CPU.

It is made once for an installation, from the classes that a first run loaded, and lies where Java keeps its own. Java
checks itself that an archive fits its version and the jars, and goes without it where it does not.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


def archive_of(java: Path, program: str, jars: Iterable[Path]) -> Path:
    """Return where the archive of a program made of these jars is, or will be."""
    seen = [(jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in jars]
    name = hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
    return java.parent.parent / "lib" / "server" / f"{program}-{name}.jsa"


def flags(archive: Path, classes: Path | None) -> list[str]:
    """Return Java's flags to start from an archive; while there is none, to write down the classes that it loads.

    Parameters
    ----------
    classes
        The file to write them to, if they are worth an archive; not done where Java's folder is not ours to write.
    """
    if archive.exists():
        return [f"-XX:SharedArchiveFile={archive}"]
    if classes is None or not os.access(archive.parent, os.W_OK):
        return []
    return [f"-XX:DumpLoadedClassList={classes}"]


def make_later(java: Path, class_path: str, archive: Path, classes: Path) -> None:
    """Make an archive in a process of its own, which takes only the time that nobody else wants and may outlive us.

    Nothing is done where an archive is there or is being made, or where Java's folder is not ours to write.
    """
    if archive.exists() or not classes.exists() or not os.access(archive.parent, os.W_OK):
        return
    with lock_of(archive).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        listed = shutil.copy(classes, archive.with_suffix(".classes"))
        subprocess.run(
            ["/bin/sh", "-c", _MAKE, "make", archive, listed, java, class_path],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # whoever ends us ends our process group
            pass_fds=[lock.fileno()],
        )


def lock_of(archive: Path) -> Path:
    """Return the file that is locked while an archive is being made."""
    return archive.with_suffix(".lock")


_MAKE = """
archive=$1 listed=$2 java=$3 class_path=$4
{
  # in a session of its own, niceness counts among its own processes only, where the kernel groups by session
  echo 19 2>/dev/null >/proc/self/autogroup
  nice -n 19 "$java" -Xshare:dump -XX:SharedClassListFile="$listed" -XX:SharedArchiveFile="$archive.new" \\
    -cp "$class_path" && mv "$archive.new" "$archive"
  rm -f "$listed" "$archive.new"
} &
"""
