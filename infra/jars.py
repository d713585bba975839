"""The jars of a bundle as files on this machine, each checked against the committed lock.

A jar is hashed when it is downloaded; afterwards a stamp of size and modification time tells a changed
file apart without reading it, and `verify` reads everything again. `python -m infra.jars lock` resolves
the versions in `infra.bundles` anew and rewrites `infra/locks`; `python -m infra.jars verify` is the full check.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.bundles import BUNDLE_NAMES, BUNDLES, BundleName
from infra.errors import RefuseJarError
from infra.locked import LOCKS, LockedJar, current_platform, lock_path, locked_jars

DEFAULT_CACHE = Path.home() / ".cache" / "fastdata" / "jars"

_DOWNLOADS_AT_ONCE = 12

Stamps = dict[str, list[int]]


def resolve(bundle: BundleName, cache: Path = DEFAULT_CACHE, locks: Path = LOCKS) -> list[Path]:
    """Give the jars of a bundle, downloading what is missing.

    Parameters
    ----------
    bundle
        Which class path.
    cache
        Where jars are kept, in a Maven layout.
    locks
        Directory of lock files.

    Raises
    ------
    RefuseJarError
        A jar's checksum is not the locked one.
    RetryLaterError
        A jar could not be downloaded.
    """
    jars = locked_jars(lock_path(bundle, locks), *current_platform())
    stamps = _read_stamps(cache, bundle)
    unsure = [jar for jar in jars if not _is_as_checked(cache / jar.path, stamps.get(_stamp_key(jar)))]
    if unsure:
        _settle(unsure, cache)
        _write_stamps(cache, bundle, jars)
    return [cache / jar.path for jar in jars]


def verify(bundle: BundleName, cache: Path = DEFAULT_CACHE, locks: Path = LOCKS) -> int:
    """Hash every cached jar of a bundle again; give their number, raise on the first wrong one."""
    jars = locked_jars(lock_path(bundle, locks), *current_platform())
    _settle(jars, cache)
    _write_stamps(cache, bundle, jars)
    return len(jars)


def _settle(jars: Iterable[LockedJar], cache: Path) -> None:
    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        for _ in pool.map(lambda jar: _check_or_download(jar, cache), jars):
            pass


def _check_or_download(jar: LockedJar, cache: Path) -> None:
    from infra.fetch import download, sha256_of  # noqa: PLC0415 - jgo takes 0.3 s to import; a warm start needs none

    path = cache / jar.path
    if not path.exists():
        download(jar, cache)
    elif (actual := sha256_of(path)) != jar.sha256:
        raise RefuseJarError(
            f"{path} has checksum {actual}, the lock says {jar.sha256} for {jar.coordinate}. "
            "Nothing was started. Delete the file to have it downloaded again."
        )


def _is_as_checked(path: Path, stamp: list[int] | None) -> bool:
    return stamp is not None and stamp == _stamp(path)


def _stamp_key(jar: LockedJar) -> str:
    return f"{jar.path} {jar.sha256}"


def _stamp(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def _stamps_path(cache: Path, bundle: BundleName) -> Path:
    return cache / f"{bundle}.checked.json"


def _read_stamps(cache: Path, bundle: BundleName) -> Stamps:
    try:
        stamps: Stamps = json.loads(_stamps_path(cache, bundle).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamps


def _write_stamps(cache: Path, bundle: BundleName, jars: Iterable[LockedJar]) -> None:
    stamps = {_stamp_key(jar): _stamp(cache / jar.path) for jar in jars}
    unfinished = _stamps_path(cache, bundle).with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(stamps))
    unfinished.replace(_stamps_path(cache, bundle))


def main() -> None:
    """Regenerate or check: the command line of this module."""
    from infra.fetch import lock  # noqa: PLC0415 - see _check_or_download

    parser = argparse.ArgumentParser(prog="python -m infra.jars", description="The jars of the servers.")
    parser.add_argument("action", choices=["lock", "verify"], help="rewrite the locks, or check every jar")
    action = parser.parse_args().action
    for name in BUNDLE_NAMES:
        count = lock(BUNDLES[name], lock_path(name)) if action == "lock" else verify(name)
        sys.stdout.write(f"{name}: {count} jars {'locked' if action == 'lock' else 'as locked'}\n")


if __name__ == "__main__":
    main()
