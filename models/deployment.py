"""A deployment: which versions of a model score, and which of them acts. What the commands decide, as a state machine.

The champion acts; shadows are scored beside it and act on nothing. A promoted shadow becomes the champion and the
former champion a shadow, so that a rollback finds everything running. `models.serving` turns this into what the
query does, event by event.
"""

import msgspec

from models.errors import RefuseChangeError
from models.plan import Plan


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """State that was warmed for versions which the running query's state does not cover.

    Attributes
    ----------
    query
        Name of the query, and of its checkpoint.
    layout
        What it computes.
    read
        Next offset of each partition of the scored topic, as committed by the warming.
    """

    query: str
    layout: Plan
    read: dict[int, int]


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is deployed of one model.

    Attributes
    ----------
    champion
        The version that acts.
    shadows
        Versions that are scored beside it, oldest first.
    former
        Champions before this one that are still shadows, latest last: where `rollback` goes.
    since
        Version -> when it got its present role, milliseconds since the epoch.
    candidate
        Warmed state that waits to be taken over by the query.
    """

    model: str
    champion: str
    shadows: list[str]
    former: list[str]
    since: dict[str, int]
    candidate: Candidate | None = None

    @property
    def versions(self) -> list[str]:
        """All versions that are scored, the champion first."""
        return [self.champion, *self.shadows]

    def role(self, version: str) -> str | None:
        """Return `champion`, `shadow`, or None for a version that is not deployed."""
        if version == self.champion:
            return "champion"
        return "shadow" if version in self.shadows else None


def first(model: str, version: str, now: int) -> Deployment:
    """Return a deployment of one version, which acts; `now` is in milliseconds since the epoch."""
    return Deployment(model=model, champion=version, shadows=[], former=[], since={version: now})


def with_shadow(deployment: Deployment, version: str, now: int) -> Deployment:
    """Score one more version beside the champion.

    Raises
    ------
    RefuseChangeError
        When it is deployed already.
    """
    role = deployment.role(version)
    if role is not None:
        raise RefuseChangeError(f"{deployment.model} {version} is deployed already, as the {role}")
    return msgspec.structs.replace(
        deployment,
        shadows=[*deployment.shadows, version],
        since={**deployment.since, version: now},
    )


def promoted(deployment: Deployment, version: str, now: int) -> Deployment:
    """Let a shadow act from now on; the champion becomes a shadow.

    Raises
    ------
    RefuseChangeError
        When the version is no shadow.
    """
    name = f"{deployment.model} {version}"
    if version == deployment.champion:
        raise RefuseChangeError(f"{name} is the champion already")
    if version not in deployment.shadows:
        raise RefuseChangeError(
            f"{name} is not deployed: start it beside the champion first, "
            f"`fastdata models deploy {name} --shadow`"
        )
    former = [v for v in deployment.former if v != version]
    return _acting(deployment, version, [*former, deployment.champion], now)


def rolled_back(deployment: Deployment, now: int) -> Deployment:
    """Let the champion before this one act again; this one stays as a shadow.

    Raises
    ------
    RefuseChangeError
        When there is none that is still deployed.
    """
    if not deployment.former:
        raise RefuseChangeError(
            f"no earlier champion of {deployment.model} is deployed beside {deployment.champion}: "
            f"deploy the version you want with --shadow, then promote it"
        )
    *former, version = deployment.former
    return _acting(deployment, version, former, now)


def retired(deployment: Deployment, version: str) -> Deployment:
    """Stop scoring a shadow.

    Raises
    ------
    RefuseChangeError
        When the version acts, or is not deployed.
    """
    name = f"{deployment.model} {version}"
    if version == deployment.champion:
        raise RefuseChangeError(
            f"{name} is the champion: promote another version first, then retire this one"
        )
    if version not in deployment.shadows:
        raise RefuseChangeError(f"{name} is not deployed: there is nothing to retire")
    return msgspec.structs.replace(
        deployment,
        shadows=[v for v in deployment.shadows if v != version],
        former=[v for v in deployment.former if v != version],
        since={v: at for v, at in deployment.since.items() if v != version},
    )


def with_candidate(deployment: Deployment, candidate: Candidate) -> Deployment:
    """Offer warmed state to the query."""
    return msgspec.structs.replace(deployment, candidate=candidate)


def _acting(deployment: Deployment, version: str, former: list[str], now: int) -> Deployment:
    shadows = [v for v in deployment.shadows if v != version]
    return msgspec.structs.replace(
        deployment,
        champion=version,
        shadows=[*shadows, deployment.champion],
        former=former,
        since={**deployment.since, version: now, deployment.champion: now},
    )
