"""What the query of a model does: its layout, the versions it scores, and which of them acts on which event.

The version that acts on an event follows from the event's place in Kafka alone: it is the one of the last switch
at or before it. So an event that is read again, after a crash or a restart, is acted on by the same version again.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from models.deployment import Deployment
from models.layout import covers, merged, query_name
from models.plan import Plan

Offsets = Mapping[int, int]
"""Partition of the scored topic -> offset."""


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From here on another version acts.

    Attributes
    ----------
    starts
        Partition -> the first offset that it acts on; it acts on all of a partition that is not named.
    at
        When it was decided, milliseconds since the epoch.
    """

    version: str
    starts: dict[int, int]
    at: int


class Serving(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one query does.

    Attributes
    ----------
    query
        Its name, and that of its checkpoint.
    layout
        What it keeps and computes.
    versions
        What it scores, the champion first.
    live_from
        Offsets below are read to build state; their rows are not written, an earlier query has done so.
    replay_from
        Offsets below are never read again by this checkpoint.
    switches
        In order; the first one names no offsets.
    """

    query: str
    layout: Plan
    versions: list[str]
    live_from: dict[int, int]
    replay_from: dict[int, int]
    switches: list[Switch]

    @property
    def champion(self) -> str:
        """The version that acts on new events."""
        return self.switches[-1].version


def begun(deployment: Deployment, plans: Mapping[str, Plan], now: int) -> Serving:
    """Return what the first query of a model does: everything from the earliest event on.

    Parameters
    ----------
    plans
        Version -> plan, of all that is deployed.
    now
        Milliseconds since the epoch.
    """
    layout = merged({version: plans[version] for version in deployment.versions})
    return Serving(
        query=query_name(deployment.model, layout),
        layout=layout,
        versions=deployment.versions,
        live_from={},
        replay_from={},
        switches=[Switch(deployment.champion, {}, now)],
    )


def due(
    deployment: Deployment, serving: Serving, plans: Mapping[str, Plan], committed: Offsets
) -> Serving | None:
    """Return what the query should do next, its switches as they are; None when nothing changes, or not yet.

    Parameters
    ----------
    plans
        Version -> plan, of all that is deployed or served.
    committed
        Next offset of each partition, as the query has committed it.
    """
    wanted = list(dict.fromkeys([*deployment.versions, *acting_from(serving, committed)]))
    if wanted == serving.versions and deployment.champion == serving.champion:
        return None
    needed = {version: plans[version] for version in wanted}
    if covers(serving.layout, needed):
        return msgspec.structs.replace(serving, versions=wanted, replay_from=dict(committed))
    candidate = deployment.candidate
    if candidate is None or not covers(candidate.layout, needed) or not past(committed, candidate.read):
        return None
    return msgspec.structs.replace(
        serving,
        query=candidate.query,
        layout=candidate.layout,
        versions=wanted,
        live_from=dict(committed),
        replay_from=dict(committed),
    )


def continued(serving: Serving, query: str, committed: Offsets) -> Serving:
    """Return the same serving on another checkpoint, which was left behind or built ahead at or before these offsets."""
    return msgspec.structs.replace(
        serving, query=query, live_from=dict(committed), replay_from=dict(committed)
    )


def switched(serving: Serving, version: str, ends: Offsets, now: int) -> Serving:
    """Let this version act on all that is not in Kafka yet.

    Parameters
    ----------
    ends
        End of every partition, read when nothing processed events: all that was processed lies below.
    now
        Milliseconds since the epoch.
    """
    if version == serving.champion:
        return serving
    switches = [*serving.switches, Switch(version, dict(ends), now)]
    return msgspec.structs.replace(serving, switches=switches)


def acting(serving: Serving, partition: int, offset: int) -> str:
    """Return the version that acts on the event at this place."""
    return next(s.version for s in reversed(serving.switches) if offset >= s.starts.get(partition, 0))


def acting_from(serving: Serving, offsets: Offsets) -> list[str]:
    """Return the versions that act on anything at or above these offsets, the last switch's last."""
    return list(dict.fromkeys(switch.version for switch in relevant(serving.switches, offsets)))


def relevant(switches: Sequence[Switch], offsets: Offsets) -> list[Switch]:
    """Return the switches that decide over events at or above these offsets; the first of them over all before."""
    kept = list(_from_latest(switches, offsets))
    return kept[::-1]


def _from_latest(switches: Sequence[Switch], offsets: Offsets) -> Iterator[Switch]:
    for switch in reversed(switches):
        yield switch
        if past(offsets, switch.starts):
            return


def past(offsets: Offsets, others: Offsets) -> bool:
    """Whether offsets have reached others in every partition."""
    return all(offsets.get(partition, 0) >= offset for partition, offset in others.items())
