"""Maintenance windows: when people work on entities, so that their alarms are kept but act on nobody."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

_DAY: Final = timedelta(days=1)


class Maintenance(BaseModel):
    """One window: once, from a time to a time, or every day between two times of the day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """What is done there; operators read it."""

    entities: str = Field(min_length=1)
    """Which entities: a pattern with `*`, `?` and `[...]`."""

    conditions: str = Field(default="*", min_length=1)
    """Which conditions of them: a pattern too."""

    since: AwareDatetime | None = Field(default=None, alias="from")
    """When a single window begins, with its offset from UTC."""

    to: AwareDatetime | None = None
    """When it ends."""

    daily: str | None = Field(default=None, pattern=r"^\d\d:\d\d-\d\d:\d\d$")
    """A window of every day, such as `22:00-02:30`; one that ends before it begins goes over midnight."""

    zone: str = "UTC"
    """The time zone of the daily times, such as `Europe/Berlin`."""

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {zone!r}") from error
        return zone

    @model_validator(mode="after")
    def _either_once_or_daily(self) -> "Maintenance":
        if (self.daily is None) == (self.since is None) or (self.since is None) != (self.to is None):
            raise ValueError("a maintenance window has either `from` and `to`, or `daily`")
        if self.since is not None and self.to is not None and self.since >= self.to:
            raise ValueError("a maintenance window ends after it begins")
        if self.daily is not None and len(set(_times(self.daily))) == 1:
            raise ValueError("a daily window of no length: its times are the same")
        return self

    def concerns(self, entity: str, condition: str) -> bool:
        """Whether it is about this condition of this entity."""
        return fnmatchcase(entity, self.entities) and fnmatchcase(condition, self.conditions)

    def lasts(self, now: int) -> bool:
        """Whether it lasts then (milliseconds since the epoch)."""
        return any(begins <= now < ends for begins, ends in self._spans(now))

    def turns(self, now: int) -> int | None:
        """Return when it begins or ends next, after `now` (both in milliseconds since the epoch); None when never again."""
        return min((at for span in self._spans(now) for at in span if at > now), default=None)

    def _spans(self, now: int) -> Iterator[tuple[int, int]]:
        if self.since is not None and self.to is not None:
            yield _millis(self.since), _millis(self.to)
        elif self.daily is not None:
            today = datetime.fromtimestamp(now / 1_000, UTC).astimezone(ZoneInfo(self.zone)).date()
            for days in (-1, 0, 1):
                yield self._on(today + days * _DAY)

    def _on(self, day: date) -> tuple[int, int]:
        begins, ends = _times(self.daily or "")
        zone = ZoneInfo(self.zone)
        last = day if begins < ends else day + _DAY
        return _millis(datetime.combine(day, begins, zone)), _millis(datetime.combine(last, ends, zone))


def _times(daily: str) -> tuple[time, time]:
    begins, ends = daily.split("-")
    return time.fromisoformat(begins), time.fromisoformat(ends)


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1_000)
