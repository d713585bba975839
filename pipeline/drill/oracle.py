"""The oracle: what is lost, invented, done twice or wrong, from ledgers that know nothing of each other.

Pure. A name says the stage and the identity, as in `scored: sim-1`; the same fact has the same name in every look.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from typing import Any, Final

from pipeline.drill.ledger import Where
from pipeline.drill.recompute import TOLERANCE
from pipeline.drill.tap import Issued

Names = frozenset[str]


@dataclass(frozen=True)
class Findings:
    """What a look has found.

    Attributes
    ----------
    lost
        Given to a stage and not found behind it.
    phantom
        Found behind a stage and never given to it.
    doubled
        Effects that took place twice.
    wrong
        Scores that differ from their recomputation, in the topic or in the store.
    """

    lost: Names = frozenset()
    phantom: Names = frozenset()
    doubled: Names = frozenset()
    wrong: Names = frozenset()

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(getattr(self, f.name) for f in fields(self))

    def since(self, earlier: "Findings") -> "Findings":
        """Return what an earlier look had not found."""
        return Findings(**{f.name: getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)})

    def with_all(self, other: "Findings") -> "Findings":
        """Return what either has found."""
        return Findings(**{f.name: getattr(self, f.name) | getattr(other, f.name) for f in fields(self)})

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, every name included."""
        return {f.name: sorted(getattr(self, f.name)) for f in fields(self)}


NOTHING: Final = Findings()


@dataclass(frozen=True)
class Evidence:
    """What each ledger says.

    Attributes
    ----------
    sent, acked
        Ids of transactions that the producer sent, and those that Kafka acknowledged.
    poison, dead
        Places of records that are no events, and of the records that lie among the dead letters.
    scored, stored
        Event id to its last score on the topic, and to the score in Cassandra.
    wrong
        Events with a score on the topic that differs from its recomputation.
    over, alerts, taken
        Events with a score over the threshold; those on the topic of alerts; those that an entity has taken.
    alarms
        Open alarms as (entity, alarm id).
    answered
        Commands that have an acknowledgement.
    effects
        Command ids in the gateway's ledger, one per effect.
    """

    sent: AbstractSet[str] = frozenset()
    acked: AbstractSet[str] = frozenset()
    poison: AbstractSet[Where] = frozenset()
    dead: AbstractSet[Where] = frozenset()
    scored: Mapping[str, float] = field(default_factory=dict)
    stored: Mapping[str, float] = field(default_factory=dict)
    wrong: AbstractSet[str] = frozenset()
    over: AbstractSet[str] = frozenset()
    alerts: AbstractSet[str] = frozenset()
    taken: AbstractSet[str] = frozenset()
    alarms: Collection[tuple[str, str]] = ()
    commands: Collection[Issued] = ()
    answered: AbstractSet[str] = frozenset()
    effects: Collection[str] = ()


def judge(seen: Evidence) -> Findings:
    """Return everything that is not as it has to be."""
    return Findings(lost=_lost(seen), phantom=_phantom(seen), doubled=_doubled(seen), wrong=_wrong(seen))


def _lost(seen: Evidence) -> Names:
    issued = {command.command_id for command in seen.commands}
    return _named(
        {
            "not scored": seen.acked - seen.scored.keys(),
            "not stored": seen.scored.keys() - seen.stored.keys(),
            "no alert": seen.over - seen.alerts,
            "not taken": seen.alerts - seen.taken,
            "not answered": issued - seen.answered,
            "no dead letter": map(_place, seen.poison - seen.dead),
        }
    )


def _phantom(seen: Evidence) -> Names:
    issued = {command.command_id for command in seen.commands}
    return _named(
        {
            "scored and never sent": seen.scored.keys() - seen.sent,
            "stored and never scored": seen.stored.keys() - seen.scored.keys(),
            "alert without a score": seen.alerts - seen.over,
            "taken without an alert": seen.taken - seen.alerts,
            "answered and never issued": seen.answered - issued,
            "carried out and never issued": set(seen.effects) - issued,
            "dead letter of no poison": map(_place, seen.dead - seen.poison),
        }
    )


def _doubled(seen: Evidence) -> Names:
    wanted = {(_cause(c), c.command_id) for c in seen.commands if c.alarm_id is not None}
    return _named(
        {
            "carried out twice": _repeated(seen.effects),
            "two commands for": _repeated(cause for cause, _ in wanted),
            "two open alarms of": _repeated(entity for entity, _ in set(seen.alarms)),
        }
    )


def _wrong(seen: Evidence) -> Names:
    differing = (
        name
        for name, score in seen.stored.items()
        if name in seen.scored and abs(score - seen.scored[name]) > TOLERANCE
    )
    return _named({"score": seen.wrong, "stored": differing})


def _cause(command: Issued) -> str:
    return f"{command.kind} of alarm {command.alarm_id}"


def _repeated(identities: Iterable[str]) -> list[str]:
    return [identity for identity, times in Counter(identities).items() if times > 1]


def _place(where: Where) -> str:
    return "/".join(map(str, where))


def _named(groups: Mapping[str, Iterable[str]]) -> Names:
    return frozenset(f"{stage}: {identity}" for stage, ids in groups.items() for identity in ids)
