"""The commands that change what is deployed, on this namespace's files, Kafka and Java."""

import threading
from collections.abc import Callable

from models import deployment as machine
from models.artifact import Artifact
from models.deployment import Candidate, Deployment
from models.errors import RefuseChangeError, RefuseSpecError
from models.layout import covers, merged, query_name
from pipeline import artifacts, deployments, lifecycle
from pipeline.bootstrap import warming
from pipeline.bootstrap.models import places
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings

Report = Callable[[str], None]
Change = Callable[[Deployment], Deployment]


def deploy(
    settings: Settings,
    model: str,
    version: str | None,
    *,
    shadow: bool,
    stop: threading.Event,
    report: Report,
) -> Deployment:
    """Deploy a version, the newest if none is named: the first one as the champion, others as shadows.

    Parameters
    ----------
    stop
        Ends the building of new state.
    report
        Takes lines of progress.

    Raises
    ------
    RefuseUsageError
        When there is no such version.
    RefuseChangeError
        When the role does not fit what is deployed.
    RefuseSpecError
        When the version can't share a query with those that are deployed.
    """
    artifact = _artifact(settings, model, version)
    current = deployments.read_deployment(settings.run_dir, model)
    if current is None:
        return _deploy_first(settings, artifact, shadow=shadow)
    if not shadow:
        raise RefuseChangeError(
            f"{model} {current.champion} is the champion: deploy {artifact.version} beside it with --shadow, "
            f"then `fastdata models promote {model} {artifact.version}`"
        )
    where = places(settings)

    warmed: Candidate | None = None

    def wanted(deployment: Deployment) -> Deployment:
        shadowed = machine.with_shadow(deployment, artifact.version, where.clock())
        return shadowed if warmed is None else machine.with_candidate(shadowed, warmed)

    while (missing := _missing_state(settings, wanted(current), artifact)) is not None:
        warmed = warming.build(settings, artifact.event, missing, stop, report)
        current = _required(settings, model)
    return _changed(settings, model, wanted)


def promote(settings: Settings, model: str, version: str) -> Deployment:
    """Let a shadow act."""
    return _changed(settings, model, lambda d: machine.promoted(d, version, places(settings).clock()))


def rollback(settings: Settings, model: str) -> Deployment:
    """Let the champion before this one act again."""
    return _changed(settings, model, lambda d: machine.rolled_back(d, places(settings).clock()))


def retire(settings: Settings, model: str, version: str) -> Deployment:
    """Stop scoring a shadow."""
    return _changed(settings, model, lambda d: machine.retired(d, version))


def _artifact(settings: Settings, model: str, version: str | None) -> Artifact:
    there = artifacts.versions(settings.models_dir, model)
    if not there:
        known = ", ".join(artifacts.names(settings.models_dir)) or "none; `fastdata models train` makes one"
        raise RefuseUsageError(f"there is no trained model {model} in {settings.models_dir} (there: {known})")
    return artifacts.load(settings.models_dir, model, version or there[-1])


def _deploy_first(settings: Settings, artifact: Artifact, *, shadow: bool) -> Deployment:
    if shadow:
        raise RefuseChangeError(
            f"nothing of {artifact.name} is deployed yet: the first version acts, deploy it without --shadow"
        )
    where = places(settings)
    with deployments.changing(settings.run_dir):
        if deployments.read_deployment(settings.run_dir, artifact.name) is not None:
            raise RefuseChangeError(
                f"{artifact.name} was deployed by another command in this moment: try again"
            )
        first = machine.first(artifact.name, artifact.version, where.clock())
        lifecycle.settle(where, first)
    return first


def _changed(settings: Settings, model: str, change: Change) -> Deployment:
    with deployments.changing(settings.run_dir):
        changed = change(_required(settings, model))
        lifecycle.settle(places(settings), changed)
    return changed


def _required(settings: Settings, model: str) -> Deployment:
    found = deployments.read_deployment(settings.run_dir, model)
    if found is None:
        raise RefuseChangeError(
            f"nothing of {model} is deployed here: `fastdata models deploy {model}` first"
        )
    return found


def _missing_state(settings: Settings, wanted: Deployment, artifact: Artifact) -> Candidate | None:
    """Return the state that has to be built for what is wanted, None when what is there will do.

    Raises
    ------
    RefuseSpecError
        When one query can't serve all versions.
    """
    where = places(settings)
    found = lifecycle.load(where, wanted.model, set(wanted.versions))
    if any(other.event != artifact.event for other in found.values()):
        raise RefuseSpecError(
            f"{artifact.name} {artifact.version} scores {artifact.event} events, the deployed versions others: "
            "train it under another name"
        )
    plans = {version: found[version].plan for version in wanted.versions}
    layout = merged(plans)
    serving = deployments.read_serving(settings.run_dir, wanted.model)
    if serving is None or covers(serving.layout, plans):
        return None
    if wanted.candidate is not None and covers(wanted.candidate.layout, plans):
        return None
    return Candidate(query_name(wanted.model, layout), layout, {})
