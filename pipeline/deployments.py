"""What is deployed in a namespace, and what its queries do: small files per model below the run's directory.

`deployment.json` is written by the commands, `serving.json` by whoever owns the run's directory: the query of a
run, or a command while nothing runs. `states/` names the checkpoints that another release of the application can go
on from. Each file is replaced whole.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from models.deployment import Candidate, Deployment
from models.serving import Serving
from pipeline import whole_files

_FOLDER: Final = "models"
_DEPLOYMENT: Final = "deployment.json"
_SERVING: Final = "serving.json"
_STATES: Final = "states"
_REMEDY: Final = "move it away, and deploy the model again"


def deployed(run_dir: Path) -> list[str]:
    """Return the names of the models that are deployed."""
    return sorted(file.parent.name for file in (run_dir / _FOLDER).glob(f"*/{_DEPLOYMENT}"))


def read_deployment(run_dir: Path, model: str) -> Deployment | None:
    """Return what is deployed of a model."""
    return whole_files.read(run_dir / _FOLDER / model / _DEPLOYMENT, Deployment, _REMEDY)


def write_deployment(run_dir: Path, deployment: Deployment) -> None:
    """Replace what is deployed of a model."""
    whole_files.write(run_dir / _FOLDER / deployment.model / _DEPLOYMENT, deployment)


def read_serving(run_dir: Path, model: str) -> Serving | None:
    """Return what the query of a model does, None before its first start."""
    return whole_files.read(run_dir / _FOLDER / model / _SERVING, Serving, _REMEDY)


def write_serving(run_dir: Path, model: str, serving: Serving) -> None:
    """Replace what the query of a model does."""
    whole_files.write(run_dir / _FOLDER / model / _SERVING, serving)


def read_state(run_dir: Path, model: str, query: str) -> Candidate | None:
    """Return what is known of a checkpoint that no query runs on now."""
    return whole_files.read(run_dir / _FOLDER / model / _STATES / f"{query}.json", Candidate, _REMEDY)


def write_state(run_dir: Path, model: str, state: Candidate) -> None:
    """Note how far a checkpoint has come that no query runs on now."""
    whole_files.write(run_dir / _FOLDER / model / _STATES / f"{state.query}.json", state)


def forget_states(run_dir: Path, model: str, keep: str) -> list[str]:
    """Forget all such checkpoints but one; return the names of their queries."""
    files = [f for f in (run_dir / _FOLDER / model / _STATES).glob("*.json") if f.stem != keep]
    for file in files:
        file.unlink()
    return [file.stem for file in files]


@contextmanager
def changing(run_dir: Path) -> Iterator[None]:
    """Let one command at a time change what is deployed."""
    (run_dir / _FOLDER).mkdir(parents=True, exist_ok=True)
    with (run_dir / _FOLDER / "commands.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
