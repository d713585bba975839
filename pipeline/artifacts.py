"""The directory of trained models: one JSON file each, named by model."""

from pathlib import Path

from models import artifact
from models.artifact import Artifact
from pipeline.errors import RefuseUsageError


def load_all(directory: Path) -> list[Artifact]:
    """Read every model.

    Raises
    ------
    RefuseUsageError
        When there is none.
    RefuseSpecError
        When a file is no artifact, or was changed after training.
    """
    files = sorted(directory.glob("*.json"))
    if not files:
        raise RefuseUsageError(f"there is no trained model in {directory}: run `fastdata train` first")
    return [artifact.decode(file.read_text(encoding="utf-8"), str(file)) for file in files]


def keep(directory: Path, trained: Artifact) -> Path:
    """Write a model, whole or not at all; return its file."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{trained.name}.json"
    unfinished = file.with_suffix(".new")
    unfinished.write_text(artifact.encode(trained), encoding="utf-8")
    unfinished.replace(file)
    return file
