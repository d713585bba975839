"""What this release says of itself, and what another one asks of it, on the files and servers of a namespace."""

import threading
from collections.abc import Callable

from models.deployment import Candidate
from models.errors import ModelsError
from models.layout import query_name
from pipeline import deployments, lifecycle
from pipeline.bootstrap.models import places
from pipeline.errors import PipelineError, RefuseUsageError
from pipeline.lifecycle import Known
from pipeline.part import NAMES
from pipeline.releases import identity, kept
from pipeline.releases.description import LAUNCHER, Description, Query, Step
from pipeline.settings import Settings
from storage.migration_files import shipped

Report = Callable[[str], None]


def describe(settings: Settings) -> Description:
    """Return what decides whether this release can serve a namespace."""
    shapes, components = kept.schemas()
    queries, problems = list[Query](), list[str]()
    for model in deployments.deployed(settings.run_dir):
        try:
            queries.append(_query(settings, model))
        except (ModelsError, PipelineError) as error:
            problems.append(str(error))
    return Description(
        release=identity.own(),
        launcher=LAUNCHER,
        parts=list(NAMES),
        migrations=[Step(m.number, m.name, m.checksum, m.contracts) for m in shipped()],
        shapes=shapes,
        components=components,
        queries=queries,
        problems=problems,
    )


def warm(settings: Settings, model: str, stop: threading.Event, report: Report) -> Candidate:
    """Build the state that this release needs for a deployed model, beside what runs; note how far it has come."""
    now = _known(settings, model)
    if now is None:
        raise RefuseUsageError(f"{model} has never run here: there is no state to build anew")
    from pipeline.bootstrap import warming  # noqa: PLC0415 - Spark takes long to load, and a description has to be quick

    layout = now.serving.layout
    built = warming.build(settings, now.event, Candidate(query_name(model, layout), layout, {}), stop, report)
    deployments.write_state(settings.run_dir, model, built)
    return built


def _query(settings: Settings, model: str) -> Query:
    now = _known(settings, model)
    if now is None:
        return Query(model=model, runs="", needs="", kept=False, in_python=False)
    runs, needs, waiting = now.serving.query, query_name(model, now.serving.layout), now.deployment.candidate
    if waiting is not None and waiting.query not in {runs, query_name(model, waiting.layout)}:
        raise RefuseUsageError(
            f"{model}: state that another release built waits to be taken over: wait for the end of the query's interval"
        )
    return Query(
        model=model,
        runs=runs,
        needs=needs,
        kept=lifecycle.kept_state(places(settings), model, needs) is not None,
        in_python=any(artifact.python is not None for artifact in now.artifacts.values()),
    )


def _known(settings: Settings, model: str) -> Known | None:
    deployment = deployments.read_deployment(settings.run_dir, model)
    serving = deployments.read_serving(settings.run_dir, model)
    if deployment is None or serving is None:
        return None
    return lifecycle.known(places(settings), deployment, serving)
