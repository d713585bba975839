"""Whether one release can take another's place, and what has to happen: decided from both descriptions, nothing else."""

from dataclasses import dataclass

from pipeline.releases.description import LAUNCHER, Description, Query
from pipeline.releases.shapes import unreadable

SHOWN = 3
"""How many differences of one shape are named."""


@dataclass(frozen=True)
class Decision:
    """What follows.

    Attributes
    ----------
    refusals
        Why it can't be; nothing where it can.
    one_way
        Why the present release could not come back afterwards.
    warm
        Models whose state has to be built anew first.
    expands, contracts
        Migrations that the new release brings, by name.
    """

    refusals: tuple[str, ...]
    one_way: tuple[str, ...]
    warm: tuple[Query, ...]
    expands: tuple[str, ...]
    contracts: tuple[str, ...]


def decide(present: Description, new: Description, *, running: bool) -> Decision:
    """Return whether the new release can take the place of the present one.

    Parameters
    ----------
    running
        Whether a run would change its parts one by one, so that both releases work side by side for a while.
    """
    known = {m.number for m in present.migrations}
    brought = [m for m in new.migrations if m.number not in known]
    warm = tuple(query for query in new.queries if query.runs not in ("", query.needs) and not query.kept)
    one_way = _unreadable(reader=present, writer=new)
    refusals = [*new.problems, *_changed(present, new), *_unreadable(reader=new, writer=present)]
    if running:
        refusals += _while_running(new)
        refusals += [f"both would run side by side, but {reason}" for reason in one_way]
    return Decision(
        refusals=tuple(refusals),
        one_way=tuple(one_way),
        warm=warm,
        expands=tuple(m.name for m in brought if not m.contracts),
        contracts=tuple(m.name for m in brought if m.contracts),
    )


def _while_running(new: Description) -> list[str]:
    found = []
    if new.launcher != LAUNCHER:
        found.append(
            "it starts its parts in another way than this run: stop the run, upgrade, start it again"
        )
    return found + [
        f"{query.model} needs other state and is scored in Python: `fastdata run --until-idle`, upgrade, `fastdata run`"
        for query in new.queries
        if query.in_python and query.runs not in ("", query.needs)
    ]


def _changed(present: Description, new: Description) -> list[str]:
    texts = {m.number: m for m in present.migrations}
    return [
        f"migration {m.name} differs from the present release's {texts[m.number].name}"
        for m in new.migrations
        if m.number in texts and texts[m.number].checksum != m.checksum
    ]


def _unreadable(*, reader: Description, writer: Description) -> list[str]:
    found = []
    for name in sorted(reader.shapes.keys() & writer.shapes.keys()):
        reasons = unreadable(reader.shape(name), writer.shape(name))
        if reasons:
            more = f" and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
            found.append(
                f"{reader.release} can't read the {name} of {writer.release}: {', '.join(reasons[:SHOWN])}{more}"
            )
    return found
