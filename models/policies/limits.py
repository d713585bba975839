"""What keeps a command back: limits of how many, how much at once and when; and how it is sent again."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from models.policies.durations import Lasting, shown
from models.policies.tables import Table

DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
WIDEST: Final = 30 * DAY_MS


class Limit(Table):
    """Most commands within a time."""

    most: int = Field(ge=1, le=5_000)
    """So many."""

    within: Annotated[Lasting, Field(le=WIDEST)]
    """In this time."""

    def __str__(self) -> str:
        return f"{self.most} within {shown(self.within)}"


class BlastRadius(Table):
    """Most of a fleet that may be changed at once."""

    percent: float = Field(gt=0, le=100, allow_inf_nan=False)
    """So much of it, in percent, rounded down."""

    fleet: int | None = Field(default=None, ge=1)
    """How many there are; without it the machines of the same class in the machine register."""

    lasts: Annotated[Lasting, Field(le=WIDEST)] = DAY_MS
    """How long a change counts unless it is undone before."""

    @model_validator(mode="after")
    def _is_not_nothing(self) -> Self:
        if self.fleet is not None and self.most(self.fleet) < 1:
            raise ValueError(
                f"{self.percent:g} % of {self.fleet} is less than one: nothing would ever be sent"
            )
        return self

    def most(self, fleet: int) -> int:
        """Return how many of a fleet of this size may be changed at once."""
        return int(fleet * self.percent / 100 + 1e-9)


def _known_time(text: str) -> str:
    hours, minutes = map(int, text.split(":"))
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a day and of an hour
        raise ValueError(f"{text!r} is no time of the day: write hours and minutes, such as 06:30")
    return text


ClockTime = Annotated[str, Field(pattern=r"^\d\d:\d\d$"), AfterValidator(_known_time)]


class QuietHours(Table):
    """A part of every day, UTC; one that ends before it begins goes over midnight."""

    start: ClockTime
    """When it begins, such as 22:00."""

    end: ClockTime
    """When it ends, such as 06:00."""

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.start == self.end:
            raise ValueError("quiet hours of no length: `start` and `end` are the same")
        return self

    def until(self, now: int) -> int | None:
        """Return when they end if it is quiet now, else None; milliseconds since the epoch."""
        since_start = (now - _of_day(self.start)) % DAY_MS
        length = (_of_day(self.end) - _of_day(self.start)) % DAY_MS
        return now - since_start + length if since_start < length else None


class Retry(Table):
    """Sending again while there is no answer."""

    first: Lasting = 10_000
    """First pause; it doubles each time."""

    longest: Lasting = 600_000
    """Longest pause."""

    times: int = Field(default=5, ge=1, le=100)
    """How often it is sent again at most."""

    def pause(self, sends: int) -> int | None:
        """Return how long to wait after so many sends, or None when that was the last, in milliseconds."""
        return None if sends > self.times else min(self.longest, self.first * 2 ** (sends - 1))


def _of_day(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    return (hours * 60 + minutes) * MINUTE_MS
