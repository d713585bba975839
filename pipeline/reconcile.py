"""Reconciliation, the pure part: what one stage was given against what the next one holds.

Every stage is a comparison of two sets of identities. A difference is `missing` (given, not found), or a
`phantom` (found, never given). Duplicates of at-least-once delivery are counted and never fail a check;
a second *effect* (two commands for one alarm, a command carried out twice, an alarm opened twice) does.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", bound=Hashable)

SHOWN: Final = 20
"""How many identities a report for people names per stage."""


@dataclass(frozen=True)
class Stage:
    """The outcome of one comparison.

    Attributes
    ----------
    name
        What was compared, as an equation in words.
    given, found
        Distinct identities on either side.
    counts
        Parts of the equation and duplicates, by name.
    missing, phantoms, repeated
        Sorted names: given and not found; found and never given; effects that happened more than once.
    notes
        Sorted names that are explained and therefore no failure (events dropped as late, commands under way).
    """

    name: str
    given: int
    found: int
    counts: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    phantoms: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is missing, invented or done twice."""
        return not (self.missing or self.phantoms or self.repeated)

    def as_dict(self) -> dict[str, Any]:
        """Return the stage as plain values, every name included."""
        return {
            "name": self.name,
            "clean": self.clean,
            "given": self.given,
            "found": self.found,
            "counts": dict(self.counts),
            "missing": list(self.missing),
            "phantoms": list(self.phantoms),
            "repeated": list(self.repeated),
            "notes": list(self.notes),
        }


def names(identities: Iterable[Hashable]) -> tuple[str, ...]:
    """Return identities as sorted text, tuples joined by `/`."""
    return tuple(sorted("/".join(map(str, i)) if isinstance(i, tuple) else str(i) for i in identities))


def compare(
    name: str,
    given: AbstractSet[K],
    found: AbstractSet[K],
    *,
    explained: AbstractSet[K] = frozenset(),
    tolerate_phantoms: bool = False,
    counts: Mapping[str, int] | None = None,
) -> Stage:
    """Compare what a stage was given with what is found behind it.

    Parameters
    ----------
    explained
        Identities whose absence is known and counted; they become notes when they are absent.
    tolerate_phantoms
        True when the record of what was given is known to be incomplete (retention deleted its beginning).
    """
    absent = given - found
    return Stage(
        name=name,
        given=len(given),
        found=len(found),
        counts=counts or {},
        missing=names(absent - explained),
        phantoms=() if tolerate_phantoms else names(found - given),
        notes=names(absent & explained),
    )


def partition(
    name: str,
    given: AbstractSet[K],
    parts: Mapping[str, AbstractSet[K]],
    *,
    explained: AbstractSet[K],
    counts: Mapping[str, int],
) -> Stage:
    """Check that every identity given lies in exactly one part.

    An identity in two parts is reported as repeated; `explained` works as in `compare`.
    """
    found: set[K] = set().union(*parts.values())
    stage = compare(name, given, found, explained=explained, counts=counts)
    twice = sum(len(part) for part in parts.values()) > len(found)
    return Stage(**{**vars(stage), "repeated": names(_in_two(parts.values())) if twice else ()})


def _in_two(parts: Collection[AbstractSet[K]]) -> set[K]:
    seen: set[K] = set()
    twice: set[K] = set()
    for part in parts:
        twice |= seen & part
        seen |= part
    return twice


def at_most_one(name: str, pairs: Iterable[tuple[G, K]], *, what: str) -> Stage:
    """Check that each group holds at most one distinct identity: one command per alarm, one effect per command.

    Parameters
    ----------
    pairs
        (group, identity); the same pair twice is a duplicate, counted and harmless.
    what
        The plural noun of the groups, for the counts.
    """
    groups: dict[G, set[K]] = {}
    duplicates = 0
    for group, identity in pairs:
        members = groups.setdefault(group, set())
        duplicates += identity in members
        members.add(identity)
    return Stage(
        name=name,
        given=len(groups),
        found=sum(map(len, groups.values())),
        counts={what: len(groups), "duplicates": duplicates},
        repeated=names((group, *sorted(map(str, ids))) for group, ids in groups.items() if len(ids) > 1),
    )


def once(name: str, identities: Iterable[K], *, what: str) -> Stage:
    """Check that an identity occurs once: an effect in a ledger, an alarm of one card and model."""
    times = Counter(identities)
    return Stage(
        name=name,
        given=len(times),
        found=times.total(),
        counts={what: len(times)},
        repeated=names(identity for identity, n in times.items() if n > 1),
    )


def agreement(
    name: str,
    said: Mapping[K, str],
    recorded: Mapping[K, str],
    *,
    under_way: AbstractSet[str],
    counts: Mapping[str, int],
) -> Stage:
    """Check that what was said of each identity is what is recorded of it.

    Parameters
    ----------
    said
        The last word by identity: a command id and its outcome on the topic of acknowledgements.
    recorded
        What the store holds by identity.
    under_way
        Records that nobody has answered yet: an identity so recorded need not have been spoken of.
    """
    heard = {pair for pair in recorded.items() if pair[1] not in under_way}
    pending = names(key for key, record in recorded.items() if record in under_way and key not in said)
    stage = compare(name, set(said.items()), heard, counts={**counts, "pending": len(pending)})
    return Stage(**{**vars(stage), "notes": pending})


@dataclass(frozen=True)
class Reconciliation:
    """All stages of one `verify`, and the counts that only inform."""

    stages: tuple[Stage, ...]
    information: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether every stage is clean."""
        return all(stage.clean for stage in self.stages)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`, every name included."""
        return {
            "clean": self.clean,
            "stages": [stage.as_dict() for stage in self.stages],
            "information": dict(self.information),
        }


def lasting(earlier: Reconciliation, later: Reconciliation) -> Reconciliation:
    """Return the later look, of what is wrong only that which was wrong at the earlier one already.

    In a pipeline at work something is always under way: it is missing at one look and has arrived at the next.
    """
    before = {stage.name: stage for stage in earlier.stages}
    return replace(later, stages=tuple(_lasting(before.get(stage.name), stage) for stage in later.stages))


def _lasting(before: Stage | None, now: Stage) -> Stage:
    if before is None:
        return replace(now, missing=(), phantoms=(), repeated=())
    return replace(
        now,
        missing=_both(before.missing, now.missing),
        phantoms=_both(before.phantoms, now.phantoms),
        repeated=_both(before.repeated, now.repeated),
    )


def _both(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    known = set(before)
    return tuple(name for name in now if name in known)
