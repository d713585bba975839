"""What is known of every version of every model: where it comes from, how good it was, and what it does here."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.artifact import Artifact
from models.deployment import Deployment
from models.serving import Serving
from pipeline import artifacts, deployments


@dataclass(frozen=True)
class Listed:
    """One version.

    Attributes
    ----------
    trained_from, trained_to
        The training window's event times, milliseconds since the epoch.
    role
        `champion`, `shadow`, or None where it is not deployed.
    since
        When it got this role, milliseconds since the epoch.
    acts
        Whether the query acts by it on new events.
    scored
        Whether the query scores it.
    """

    model: str
    version: str
    trained_from: int
    trained_to: int
    metrics: dict[str, float]
    threshold: float
    role: str | None
    since: int | None
    acts: bool
    scored: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def listed(models_dir: Path, run_dir: Path) -> list[Listed]:
    """Return all versions of all models, by name, oldest first."""
    return [
        _listed(
            artifacts.load(models_dir, model, version),
            deployments.read_deployment(run_dir, model),
            deployments.read_serving(run_dir, model),
        )
        for model in artifacts.names(models_dir)
        for version in artifacts.versions(models_dir, model)
    ]


def _listed(artifact: Artifact, deployment: Deployment | None, serving: Serving | None) -> Listed:
    version = artifact.version
    return Listed(
        model=artifact.name,
        version=version,
        trained_from=artifact.training.first_event_time,
        trained_to=artifact.training.last_event_time,
        metrics=artifact.metrics,
        threshold=artifact.threshold,
        role=deployment.role(version) if deployment else None,
        since=deployment.since.get(version) if deployment else None,
        acts=serving is not None and serving.champion == version,
        scored=serving is not None and version in serving.versions,
    )
