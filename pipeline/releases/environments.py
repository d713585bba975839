"""Where releases are installed, each with an environment of its own, and how one is made from a git reference or a folder."""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.errors import RefuseUsageError, StopProcessError

FOLDER: Final = "releases"
_ENVIRONMENT: Final = ".venv"
_TARGET: Final = f"{_ENVIRONMENT}/.runtime"
"""The target of a release's own Makefile that installs what its lock names."""


def find(state_dir: Path, target: str) -> Path:
    """Return the environment that somebody means: an installed release by name, a folder with one, or one itself.

    Raises
    ------
    RefuseUsageError
        When there is none, with those that there are.
    """
    places = [Path(target), state_dir / FOLDER / target]
    found = [e for place in places for e in (place, place / _ENVIRONMENT) if (e / "bin" / "python3").exists()]
    if not found:
        there = ", ".join(installed(state_dir)) or "none; `fastdata releases install` makes one"
        raise RefuseUsageError(f"{target} is no release: no environment lies there (installed: {there})")
    return found[0].absolute()


def installed(state_dir: Path) -> list[str]:
    """Return the names of the installed releases."""
    return sorted(p.parent.parent.name for p in (state_dir / FOLDER).glob(f"*/{_TARGET}"))


def install(state_dir: Path, source: str, report: Callable[[str], None]) -> str:
    """Install a release by its own Makefile and lock; return its name. One that is there stays as it is.

    Parameters
    ----------
    source
        A folder of sources, or a reference of the git repository that this is called in.
    report
        Takes what is done, line by line.

    Raises
    ------
    RefuseUsageError
        When the source is neither.
    StopProcessError
        When the installation fails.
    """
    name, place = _unpacked(state_dir / FOLDER, source, report)
    if not (place / _TARGET).exists():
        report(f"installing what {place / 'requirements'} names into {place / _ENVIRONMENT}")
        done = subprocess.run(
            ["make", "--directory", str(place), _TARGET],  # noqa: S607 - the user's own make
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise StopProcessError(f"make {_TARGET} failed in {place}: {_last(done.stderr or done.stdout)}")
    return name


def _unpacked(releases: Path, source: str, report: Callable[[str], None]) -> tuple[str, Path]:
    folder = Path(source)
    if (folder / "Makefile").is_file():
        return folder.absolute().name, _placed(
            releases / folder.absolute().name,
            report,
            lambda new: shutil.copytree(folder, new, ignore=shutil.ignore_patterns(".*", "__pycache__")),
        )
    name = _git("describe", "--tags", "--always", f"{source}^{{commit}}", wanted=source).strip()
    return name, _placed(releases / name, report, lambda new: _extract(source, new))


def _placed(place: Path, report: Callable[[str], None], fill: Callable[[Path], object]) -> Path:
    if not place.exists():
        report(f"unpacking into {place}")
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-")) / place.name
        fill(unfinished)
        unfinished.replace(place)
        unfinished.parent.rmdir()
    return place


def _extract(reference: str, new: Path) -> None:
    with tempfile.TemporaryFile() as file:
        done = subprocess.run(["git", "archive", reference], check=False, stdout=file, stderr=subprocess.PIPE)  # noqa: S607 - the user's own git
        if done.returncode:
            raise StopProcessError(f"git archive {reference} failed: {_last(done.stderr.decode())}")
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(new, filter="data")


def _git(*arguments: str, wanted: str) -> str:
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)  # noqa: S607 - the user's own git
    if done.returncode:
        raise RefuseUsageError(
            f"{wanted} is neither a folder with a Makefile nor a reference of a git repository here: {_last(done.stderr)}"
        )
    return done.stdout


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
