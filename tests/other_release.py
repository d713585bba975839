"""Another release of the application, made in a second: this tree's sources, changed, in an environment of its own.

It shares all libraries with the environment of the tests.
"""

import shutil
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

from pipeline.releases.identity import PACKAGES

ROOT = Path(__file__).resolve().parents[1]


def made(where: Path, version: str, changes: Mapping[str, tuple[str, str]]) -> Path:
    """Return the environment of a release.

    Parameters
    ----------
    changes
        File -> a text in it, and what takes its place.
    """
    sources = where / "sources"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, (before, after) in changes.items():
        text = (sources / file).read_text(encoding="utf-8")
        assert text.count(before) == 1, file
        (sources / file).write_text(text.replace(before, after), encoding="utf-8")
    environment = where / "env"
    venv.EnvBuilder(symlinks=True).create(environment)
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    described = libraries / f"fastdata-{version}.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fastdata\nVersion: {version}\n")
    (libraries / "release.pth").write_text(f"{sources}\n{sysconfig.get_path('purelib')}\n")
    return environment
