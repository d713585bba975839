"""The hand between what is deployed and the running queries: it reads the one, and tells the others what to do.

A change is taken over at the end of an interval. When the query has stopped, the end of its topic is read, the
switch is written down, and only then something else starts: an event is acted on by one version, also when it is
read again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import structlog

from models.errors import ModelsError
from models.service import Service, serve
from models.serving import Serving, begun
from pipeline import deployments, lifecycle
from pipeline.errors import PipelineError, RefuseUsageError
from pipeline.lifecycle import Known, Places
from processing.progress import Interval
from processing.steering import Steering, TakeOver

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 4
"""At every so many questions for added models the directory is looked at."""

R = TypeVar("R")


@dataclass
class Steersman:
    """Steers the queries of one namespace; `models` are those that it serves, by the name of their query."""

    places: Places
    models: dict[str, str] = field(default_factory=dict)
    _asked: int = 0

    def steering(self) -> Steering:
        """Return what the queries start with, and whom they ask.

        Raises
        ------
        RefuseUsageError
            When nothing is deployed.
        """
        names = lifecycle.deployed(self.places)
        return Steering([self._begin(name) for name in names], self.change, self.added)

    def served(self) -> list[Service]:
        """Return what the queries of another process serve at present; nothing is written."""
        found = []
        for name in lifecycle.deployed(self.places):
            deployment = deployments.read_deployment(self.places.run_dir, name)
            serving = deployments.read_serving(self.places.run_dir, name)
            if deployment is not None and serving is not None:
                found.append(serve(serving, lifecycle.known(self.places, deployment, serving).artifacts))
        return found

    def added(self) -> Sequence[Service]:
        """Return the services of models that were deployed since."""
        self._asked += 1
        if self._asked % LOOK_EVERY:
            return ()
        new = set(deployments.deployed(self.places.run_dir)) - set(self.models.values())
        found = (_tolerantly(partial(self._begin, name)) for name in sorted(new))
        return [service for service in found if service is not None]

    def change(self, interval: Interval) -> TakeOver | None:
        """Return how to take over what is due at this interval's end."""
        return _tolerantly(partial(self._change, interval))

    def _begin(self, model: str) -> Service:
        deployment = deployments.read_deployment(self.places.run_dir, model)
        if deployment is None:
            raise RefuseUsageError(f"{model} is not deployed: `fastdata models deploy {model}`")
        serving = deployments.read_serving(self.places.run_dir, model)
        if serving is None:
            found = lifecycle.load(self.places, model, set(deployment.versions))
            plans = {version: artifact.plan for version, artifact in found.items()}
            serving = begun(deployment, plans, self.places.clock())
            deployments.write_serving(self.places.run_dir, model, serving)
        now = lifecycle.known(self.places, deployment, serving)
        return self._serve(now, lifecycle.adopted(self.places, now))

    def _change(self, interval: Interval) -> TakeOver | None:
        model = self.models[interval.query]
        deployment = deployments.read_deployment(self.places.run_dir, model)
        serving = deployments.read_serving(self.places.run_dir, model)
        if deployment is None or serving is None:
            return None
        now = lifecycle.known(self.places, deployment, serving)
        following = now.due(interval.read.get(self.places.topic(now.event), {}))
        return None if following is None else partial(self._take_over, now, following)

    def _take_over(self, now: Known, following: Serving) -> Service:
        serving = lifecycle.take_over(self.places, now, following)
        del self.models[now.serving.query]
        return self._serve(now, serving)

    def _serve(self, now: Known, serving: Serving) -> Service:
        self.models[serving.query] = now.deployment.model
        return serve(serving, now.artifacts)


def _tolerantly(act: Callable[[], R]) -> R | None:
    """Go on with what runs when a file of a deployment is wrong."""
    try:
        return act()
    except (ModelsError, PipelineError) as error:
        log.warning("a deployment can't be taken over", reason=str(error))
        return None
