"""The way of a change from the command to the query, in one place for both: read, decide, write.

While a run owns the namespace its query takes changes over; while none does, the command does so itself, and then
the switch lies where Kafka ends in that moment.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.artifact import Artifact
from models.deployment import Candidate, Deployment
from models.layout import query_name
from models.plan import Plan
from models.serving import Offsets, Serving, continued, due, past, switched
from pipeline import artifacts, deployments, progress, roster
from pipeline.errors import RefuseUsageError


@dataclass(frozen=True)
class Places:
    """Where models, deployments and events are.

    Attributes
    ----------
    namespace
        Empty for the main one.
    topic
        The name in Kafka of the topic of an event type, by its tag.
    ends
        The end offsets of that topic.
    clock
        Milliseconds since the epoch.
    """

    namespace: str
    models_dir: Path
    run_dir: Path
    checkpoint_dir: Path
    topic: Callable[[str], str]
    ends: Callable[[str], Offsets]
    clock: Callable[[], int]


@dataclass(frozen=True)
class Known:
    """A deployment, what its query does, and the artifact of each version in either."""

    deployment: Deployment
    serving: Serving
    artifacts: Mapping[str, Artifact]

    @property
    def plans(self) -> dict[str, Plan]:
        """The plan of each version."""
        return {version: artifact.plan for version, artifact in self.artifacts.items()}

    @property
    def event(self) -> str:
        """Tag of the scored event type."""
        return self.artifacts[self.deployment.champion].event

    def due(self, committed: Offsets) -> Serving | None:
        """Return what the query should do next, None when nothing changes, or not yet."""
        return due(self.deployment, self.serving, self.plans, committed)

    def switched(self, following: Serving, places: Places) -> Serving:
        """Return the serving with a switch at the present end of the topic if another version acts."""
        champion = self.deployment.champion
        if following.champion == champion:
            return following
        return switched(following, champion, places.ends(self.event), places.clock())


def known(places: Places, deployment: Deployment, serving: Serving) -> Known:
    """Read the artifacts of all versions that matter."""
    versions = {*deployment.versions, *serving.versions, *(switch.version for switch in serving.switches)}
    return Known(deployment, serving, load(places, deployment.model, versions))


def load(places: Places, model: str, versions: set[str]) -> dict[str, Artifact]:
    """Read these versions of a model."""
    return {version: artifacts.load(places.models_dir, model, version) for version in sorted(versions)}


def deployed(places: Places) -> list[str]:
    """Return the names of the models that are deployed in this namespace.

    Raises
    ------
    RefuseUsageError
        When there are none, with the command that helps.
    """
    names = deployments.deployed(places.run_dir)
    if names:
        return names
    trained = artifacts.names(places.models_dir)
    command = f"fastdata --namespace {places.namespace}" if places.namespace else "fastdata"
    first = f"`{command} models {f'deploy {trained[0]}' if trained else 'train'}` first"
    where = f"namespace {places.namespace}" if places.namespace else "the main namespace"
    raise RefuseUsageError(f"no model is deployed in {where}: {first}")


def settle(places: Places, deployment: Deployment) -> None:
    """Write a changed deployment, and what follows from it for the query while no run does so.

    The end of the topic is asked for before anything is written, so that a Kafka that is away changes nothing.
    """
    try:
        with roster.owned(places.run_dir):
            if not roster.orphans(places.run_dir / roster.RECORD):
                _settle_serving(places, deployment)
            deployments.write_deployment(places.run_dir, deployment)
    except RefuseUsageError:
        deployments.write_deployment(places.run_dir, deployment)


def _settle_serving(places: Places, deployment: Deployment) -> None:
    serving = deployments.read_serving(places.run_dir, deployment.model)
    if serving is None:
        return
    now = known(places, deployment, serving)
    following = now.due(committed(places, serving.query, now.event))
    if following is not None:
        take_over(places, now, following)


def take_over(places: Places, now: Known, following: Serving) -> Serving:
    """Write down what the query does next; nothing may process its events in this moment."""
    serving = now.switched(following, places)
    deployments.write_serving(places.run_dir, now.deployment.model, serving)
    if serving.query != now.serving.query:
        progress.move(places.run_dir, now.serving.query, serving.query)
        shutil.rmtree(places.checkpoint_dir / now.serving.query, ignore_errors=True)
    return serving


def adopted(places: Places, now: Known) -> Serving:
    """Return the serving under this release: where it keeps other state than the one before, on its own checkpoint.

    The other checkpoint stays for the way back. Nothing may process the model's events in this moment.

    Raises
    ------
    RefuseUsageError
        When there is no such checkpoint, or it is ahead of what was written.
    """
    serving, model = now.serving, now.deployment.model
    needs = query_name(model, serving.layout)
    if needs == serving.query:
        return serving
    state = kept_state(places, model, needs)
    if state is None:
        raise RefuseUsageError(
            f"{model}: this release keeps other state than the one that ran last: `fastdata upgrade` builds it first"
        )
    if not reached(places, serving, now.event, state):
        raise RefuseUsageError(
            f"{model}: its new state has read more than was scored: run the release before to the end of an interval"
        )
    done = written(places, serving, now.event)
    deployments.write_state(places.run_dir, model, Candidate(serving.query, serving.layout, dict(done)))
    following = continued(serving, needs, done)
    deployments.write_serving(places.run_dir, model, following)
    progress.move(places.run_dir, serving.query, needs)
    return following


def reached(places: Places, serving: Serving, event: str, state: Candidate) -> bool:
    """Whether all that another state has read is scored, so that nothing falls between them."""
    return past(written(places, serving, event), state.read)


def written(places: Places, serving: Serving, event: str) -> Offsets:
    """Return the next offsets of the scored topic below which every score was written, by this query or the one before.

    A query that was just taken over may still read what the one before has scored: its own commits are behind that.
    """
    done, before = committed(places, serving.query, event), serving.live_from
    return {
        partition: max(done.get(partition, 0), before.get(partition, 0)) for partition in {*done, *before}
    }


def kept_state(places: Places, model: str, query: str) -> Candidate | None:
    """Return what is known of a query's idle checkpoint, None where there is no such checkpoint."""
    there = (places.checkpoint_dir / query).is_dir()
    return deployments.read_state(places.run_dir, model, query) if there else None


def committed(places: Places, query: str, event: str) -> Offsets:
    """Return the next offsets of the scored topic that a query is known to have committed."""
    kept = progress.read(places.run_dir).get(query)
    return kept.read.get(places.topic(event), {}) if kept else {}
