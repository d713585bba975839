"""A service: all that one scoring query needs, as plain data and SQL text. Every version scored, one of them acting.

Columns beside the features: `score_N`, `pushed_N` and `outputs_N` of each scorer, `acting` (the scorer whose row it is).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.artifact import Artifact
from models.by_python import SCORE, column_of
from models.compiled import Compiled
from models.deployment import Candidate, first
from models.layout import Columns, extended
from models.names import renamed
from models.plan import Plan
from models.serving import Serving, Switch, begun, relevant

REASONS: Final = 5
"""How many features a score row names as its reasons, at most."""

NEVER: Final = 2**62
"""An offset that no event reaches."""


@dataclass(frozen=True)
class Scorer:
    """One version in a query.

    Attributes
    ----------
    columns
        Feature -> column of the layout.
    """

    artifact: Artifact
    columns: Columns

    @property
    def compiled(self) -> Compiled:
        """The estimator over the layout's columns."""
        plain = self.artifact.compiled
        return Compiled(
            layers=[
                {name: renamed(sql, self.columns) for name, sql in layer.items()} for layer in plain.layers
            ],
            score=renamed(plain.score, self.columns),
            contributions={name: renamed(sql, self.columns) for name, sql in plain.contributions.items()},
            outputs={name: renamed(sql, self.columns) for name, sql in plain.outputs.items()},
        )


@dataclass(frozen=True)
class Service:
    """What one scoring query does.

    Attributes
    ----------
    event
        Tag of the scored event type.
    query
        Name of the query and of its checkpoint.
    layout
        All columns that the scorers read.
    kept
        Columns of the last stage that its state is made of, whether a scorer reads them or not.
    scorers
        The champion first; empty while state is warmed.
    switches
        Which version acts from where on; the first one on all before.
    live_from
        Partition -> first offset whose row is written; all of a partition that is not named.
    """

    event: str
    query: str
    layout: Plan
    kept: tuple[str, ...]
    scorers: tuple[Scorer, ...]
    switches: tuple[Switch, ...]
    live_from: Mapping[int, int]


def serve(serving: Serving, artifacts: Mapping[str, Artifact]) -> Service:
    """Return the service of what a query does.

    Parameters
    ----------
    artifacts
        Version -> artifact, of all versions served.
    """
    layout = serving.layout
    scorers: list[Scorer] = []
    for version in serving.versions:
        layout, columns = extended(layout, artifacts[version].plan, version)
        scorers.append(Scorer(artifacts[version], {**columns, SCORE: column_of(len(scorers))}))
    return Service(
        event=scorers[0].artifact.event,
        query=serving.query,
        layout=layout,
        kept=_kept(serving.layout),
        scorers=tuple(scorers),
        switches=tuple(relevant(serving.switches, serving.replay_from)),
        live_from=serving.live_from,
    )


def alone(artifact: Artifact) -> Service:
    """Return the service of one version that acts on everything."""
    deployment = first(artifact.name, artifact.version, 0)
    serving = begun(deployment, {artifact.version: artifact.plan}, 0)
    return serve(serving, {artifact.version: artifact})


def warming(event: str, candidate: Candidate) -> Service:
    """Return a service that builds state and writes nothing."""
    kept = _kept(candidate.layout)
    return Service(event, candidate.query, candidate.layout, kept, (), (), {})


def stateful_sql(service: Service) -> str:
    """Return a condition that always holds and reads all that the last stage keeps.

    Spark leaves out of a stage what nobody reads, and the state of a checkpoint must not depend on who reads it.
    """
    return f"not (offset < -1 and hash({', '.join(service.kept)}) = 0)" if service.kept else "true"


def live_sql(service: Service) -> str:
    """Return the condition for rows that are written."""
    return _from_sql(service.live_from, otherwise="true" if service.scorers else f"offset >= {NEVER}L")


def acting_sql(service: Service) -> str:
    """Return the number of the scorer that acts on a row."""
    numbers = {scorer.artifact.version: number for number, scorer in enumerate(service.scorers)}
    before, *after = service.switches
    cases = [
        f"when {_from_sql(switch.starts, otherwise='true')} then {numbers[switch.version]}"
        for switch in reversed(after)
    ]
    last = str(numbers[before.version])
    return f"case {' '.join(cases)} else {last} end" if cases else last


def acting_numbers(service: Service) -> list[int]:
    """Return the scorers that act on any row."""
    acting = {switch.version for switch in service.switches}
    return [n for n, scorer in enumerate(service.scorers) if scorer.artifact.version in acting]


def by_acting_sql(texts: Mapping[int, str]) -> str:
    """Return the SQL of the scorer that acts, of those given by number."""
    if len(texts) == 1:
        return next(iter(texts.values()))
    return f"case acting {' '.join(f'when {number} then {sql}' for number, sql in texts.items())} end"


def push_columns(compiled: Compiled, number: int) -> Columns:
    """Return a column per contribution, a number whatever the features are: a reason is no reason to lose a row."""
    return {
        f"push_{number}_{i}": f"nanvl(coalesce({sql}, 0D), 0D)"
        for i, sql in enumerate(compiled.contributions.values())
    }


def pushed_sql(compiled: Compiled, number: int) -> str:
    """Return the strongest contributions as SQL over the columns of `push_columns`."""
    each = ", ".join(
        f"named_struct('size', abs(push_{number}_{i}), 'feature', '{name}', 'contribution', push_{number}_{i})"
        for i, name in enumerate(compiled.contributions)
    )
    return f"slice(sort_array(array({each}), false), 1, {REASONS})"


def outputs_sql(compiled: Compiled) -> str:
    """Return what an estimator says beside its score as one struct; what is no number becomes null."""
    return _struct({name: f"nullif({sql}, double('NaN'))" for name, sql in compiled.outputs.items()})


def alert_sql(scorer: Scorer, number: int) -> str:
    """Return the condition for an alert."""
    reaches = "<=" if scorer.artifact.below else ">="
    return f"score_{number} {reaches} {scorer.artifact.threshold!r}D"


def row_sql(service: Service, number: int) -> str:
    """Return the score row as JSON, with this scorer acting."""
    plan, scorer = service.layout, service.scorers[number]
    artifact = scorer.artifact
    own = [name for name in plan.fields if name not in ("event_id", "event_time")]
    counters = [name for stage in plan.stages for name in stage.counters]
    members = {
        "event_id": "event_id",
        "event_time": "event_time",
        "entity": plan.entity,
        "model": f"'{artifact.name}'",
        "version": f"'{artifact.version}'",
        "score": f"score_{number}",
        "threshold": f"{artifact.threshold!r}D",
        "features": _struct({name: scorer.columns[name] for name in artifact.plan.features}),
        "event": f"struct({', '.join(own)})",
        "arrivals": f"struct({', '.join(counters)})",
        "topic": "topic",
        "partition": "partition",
        "offset": "offset",
        "ingested_at": "ingested_at",
    }
    if artifact.compiled.contributions:
        members["reasons"] = f"arrays_zip(pushed_{number}.feature, pushed_{number}.contribution)"
    if artifact.compiled.outputs:
        members["outputs"] = f"outputs_{number}"
    if artifact.below:
        members["below"] = "true"
    shadows = [_shadow(other, n) for n, other in enumerate(service.scorers) if n != number]
    if shadows:
        members["shadows"] = f"array({', '.join(shadows)})"
    return f"to_json({_struct(members)}, map('ignoreNullFields', 'false'))"


def _shadow(scorer: Scorer, number: int) -> str:
    artifact = scorer.artifact
    return _struct(
        {
            "version": f"'{artifact.version}'",
            "score": f"score_{number}",
            "threshold": f"{artifact.threshold!r}D",
        }
    )


def _struct(members: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{name}', {sql}" for name, sql in members.items())
    return f"named_struct({pairs})"


def _kept(layout: Plan) -> tuple[str, ...]:
    last = layout.stages[-1]
    return (*last.counters, *last.values)


def _from_sql(starts: Mapping[int, int], *, otherwise: str) -> str:
    """Return the condition for rows at or above these offsets."""
    cases = [f"when {partition} then offset >= {offset}L" for partition, offset in starts.items()]
    return f"case partition {' '.join(cases)} else {otherwise} end" if cases else otherwise
