"""The tables `[channels]`, `[teams]` and `[[notifications]]`: who is told of which changes of alarms, when, and what then.

A channel's address is a secret, so the policy only names the environment variable or the file that holds it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models.alarms import ChangeKind, Severity
from models.policies.durations import Lasting, Milliseconds
from models.policies.tables import Table

LOCAL: Final = "local"
"""The channel that always exists: a file of JSON lines, and a line in the log."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


def _no_setting(variable: str) -> str:
    if variable.upper().startswith("FASTDATA_"):
        raise ValueError("environment variables that begin with FASTDATA_ are settings: choose another")
    return variable


Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_no_setting)]
"""The name of an environment variable."""


ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

TOLD: Final[tuple[ChangeKind, ...]] = (
    "opened",
    "escalated",
    "realarmed",
    "reactivated",
    "unshelved",
    "unsuppressed",
    "put_in_service",
    "chattering",
    "stale",
)
"""The changes that want a person."""


class Channel(Table):
    """One way to people, an Apprise address; exactly one of `url_env` and `url_file` says where the address is."""

    url_env: Variable | None = None
    """Environment variable that holds the address."""

    url_file: Path | None = None
    """File that holds the address and nothing else."""

    fallback: Name = LOCAL
    """Channel that gets what this one did not take."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url_env is None) == (self.url_file is None):
            raise ValueError("a channel names its secret address by url_env or by url_file, one of them")
        return self


class _Receivers(Table):
    channels: tuple[Name, ...] = ()
    """Channels that are told."""


class Team(_Receivers):
    """Who is reached together."""

    channels: tuple[Name, ...] = Field(min_length=1)
    """Channels that are told."""


class _TeamReceivers(_Receivers):
    teams: tuple[Name, ...] = ()
    """Teams that are told, each by all its channels."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.channels or self.teams):
            raise ValueError("name at least one channel or team")
        return self


class Escalation(_TeamReceivers):
    """Who else is told of an alarm that nobody has acknowledged."""

    after: Lasting
    """How long after the alarm was told."""

    every: Lasting | None = None
    """How long until it is told again."""

    times: int = Field(default=1, ge=1, le=100)
    """How often it is told in all."""

    @model_validator(mode="after")
    def _pause_when_repeated(self) -> Self:
        if (self.times > 1) != (self.every is not None):
            raise ValueError("every and times > 1 go together")
        return self


class Route(_TeamReceivers):
    """Who is told of which changes. Each route that a change fits tells of it."""

    name: Name
    """Names the route in messages, and in the ledger."""

    severity: Severity = "low"
    """The least severity that is told."""

    models: tuple[str, ...] = ()
    """Only alarms of these models; of all if empty."""

    days: tuple[Day, ...] = DAYS
    """Only on these days (UTC); a time that passes midnight belongs to the day on which it began."""

    from_: ClockTime | None = Field(default=None, alias="from")
    """Only from this time of the day on (UTC)."""

    until: ClockTime | None = None
    """Only until this time of the day (UTC); before `from` it is that of the next day."""

    tell: tuple[ChangeKind, ...] = TOLD
    """The kinds of changes that are told."""

    group_within: Milliseconds = 10_000
    """How long changes are collected for one message; 0 tells each look of the notifier at once."""

    escalation: tuple[Escalation, ...] = ()
    """What follows while an alarm is not acknowledged."""

    @model_validator(mode="after")
    def _window_has_two_ends(self) -> Self:
        if (self.from_ is None) != (self.until is None) or (
            self.from_ is not None and self.from_ == self.until
        ):
            raise ValueError("from and until go together and differ; leave both out for the whole day")
        return self


EVERYTHING: Final = Route(name="everything", channels=(LOCAL,))
"""What is told, and where, as long as nobody says otherwise."""


class NotificationPolicy(Table):
    """Channels, teams and routes, checked against each other."""

    channels: dict[Name, Channel] = Field(default_factory=dict)
    """Channels by name; `local` is always there."""

    teams: dict[Name, Team] = Field(default_factory=dict)
    """Teams by name."""

    notifications: tuple[Route, ...] = (EVERYTHING,)
    """The routes; an empty list tells nobody."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problem := next(_problems(self), None):
            raise ValueError(problem)
        return self

    def receivers(self, of: Route | Escalation) -> tuple[str, ...]:
        """Return the channels of a route or an escalation, those of its teams included, each once."""
        found = [*of.channels, *(channel for team in of.teams for channel in self.teams[team].channels)]
        return tuple(dict.fromkeys(found))

    def fallback(self, channel: str) -> str | None:
        """Return who gets what a channel did not take; None for `local`, the last one."""
        given = self.channels.get(channel)
        return None if channel == LOCAL else LOCAL if given is None else given.fallback

    def route(self, name: str) -> Route:
        """Return a route; one that is no longer in the policy has become `local`'s."""
        found = (route for route in self.notifications if route.name == name)
        return next(found, None) or Route(name=name, channels=(LOCAL,))


def _problems(policy: NotificationPolicy) -> Iterator[str]:
    if LOCAL in policy.channels:
        yield f"channel {LOCAL} is built in: give yours another name"
    names = [route.name for route in policy.notifications]
    yield from (f"two notifications are named {name}" for name in names if names.count(name) > 1)
    for place, channels in _named(policy):
        yield from (
            f"{place}: there is no channel {c}" for c in channels if c not in {LOCAL, *policy.channels}
        )
    for route in policy.notifications:
        asked = [*route.teams, *(team for step in route.escalation for team in step.teams)]
        yield from (
            f"notification {route.name}: there is no team {t}" for t in asked if t not in policy.teams
        )
    yield from (
        f"channel {c}: its fallbacks go round in a circle" for c in policy.channels if _circles(policy, c)
    )


def _named(policy: NotificationPolicy) -> Iterator[tuple[str, Iterable[str]]]:
    for name, channel in policy.channels.items():
        yield f"channel {name}", [channel.fallback]
    for name, team in policy.teams.items():
        yield f"team {name}", team.channels
    for route in policy.notifications:
        yield (
            f"notification {route.name}",
            [*route.channels, *(c for e in route.escalation for c in e.channels)],
        )


def _circles(policy: NotificationPolicy, channel: str) -> bool:
    passed: set[str] = set()
    following: str | None = channel
    while following is not None and following not in passed:
        passed.add(following)
        following = policy.fallback(following)
    return following is not None
