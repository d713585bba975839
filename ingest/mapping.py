"""The mapping file: how a source's columns become an event's fields. Strict TOML, refused with file and key."""

import tomllib
from collections import Counter
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from ingest.errors import RefuseInputError
from ingest.fields import Kind, field_kinds, required_fields


class Strict(BaseModel):
    """A table of the mapping file: unknown keys and loose types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ColumnRule(Strict):
    """The field is a column."""

    column: str = Field(description="The column's name.")
    prefix: str = Field(default="", description="Put in front of the value; for text fields.")
    tokenise: bool = Field(default=False, description="Replace the value by its token; for card numbers.")


class ConstantRule(Strict):
    """The field is the same in every event."""

    constant: str | float | bool = Field(description="The value.")


class TemplateRule(Strict):
    """The field is composed of several columns, such as an id."""

    template: str = Field(description="Text with column names in braces, such as `{machine}-{time}`.")

    @property
    def parts(self) -> tuple[tuple[str, str | None], ...]:
        """The template's pieces: some text, and the column that follows it, if any."""
        return tuple((literal, name) for literal, name, _, _ in Formatter().parse(self.template))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the template names."""
        return tuple(name for _, name in self.parts if name is not None)

    @model_validator(mode="after")
    def _plain_names_only(self) -> "TemplateRule":
        for _, name, spec, conversion in Formatter().parse(self.template):
            if name == "" or spec or conversion:
                raise ValueError("put a column's name between the braces, and nothing else")
        if not self.columns:
            raise ValueError("a template without columns gives every event the same value: use constant")
        return self


class ColumnsRule(Strict):
    """The field is a set of named measurements, one per column; null measurements are kept as missing."""

    columns: dict[str, str] | list[str] = Field(
        min_length=1, description="Columns by the measurement's name, or a list of columns that keep theirs."
    )

    @property
    def by_name(self) -> dict[str, str]:
        """Columns by the measurement's name."""
        return self.columns if isinstance(self.columns, dict) else {name: name for name in self.columns}


def _kind(rule: Any) -> str:
    keys = rule if isinstance(rule, dict) else type(rule).model_fields
    return next((key for key in ("constant", "template", "columns") if key in keys), "column")


Rule = Annotated[
    Annotated[ColumnRule, Tag("column")]
    | Annotated[ConstantRule, Tag("constant")]
    | Annotated[TemplateRule, Tag("template")]
    | Annotated[ColumnsRule, Tag("columns")],
    Discriminator(_kind),
]


class TimeRule(Strict):
    """Where the event time is and how to read it; with neither `format` nor `unit`: timestamps or ISO 8601."""

    column: str = Field(description="The column's name.")
    format: str | None = Field(default=None, description="As for `strptime`; for text columns.")
    unit: Literal["d", "h", "min", "s", "ms", "us", "ns"] | None = Field(
        default=None, description="For numbers: the unit since the epoch, or since `start`."
    )
    step: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, description="For numbers: how many units a step of 1 is."
    )
    start: datetime | None = Field(
        default=None, description="For numbers: when they count from, if not the epoch."
    )
    timezone: str = Field(default="UTC", description="Zone of times that name none, such as `Europe/Vienna`.")

    @model_validator(mode="after")
    def _readable(self) -> "TimeRule":
        if self.format is not None and self.unit is not None:
            raise ValueError("say format (text) or unit (numbers), not both")
        if self.unit is None and self.model_fields_set & {"step", "start"}:
            raise ValueError("step and start are for numbers: say their unit")
        try:
            ZoneInfo(self.timezone)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"there is no time zone {self.timezone!r}") from error
        return self


class LabelRule(Strict):
    """Every transaction row also gives its label, some days later; a row whose `fraud` is null gives none."""

    delay_days: float = Field(gt=0, description="How long after the transaction it is known, in days.")
    fraud: ColumnRule = Field(
        description="The column that tells fraud (true or 1) from genuine (false or 0)."
    )


class Mapping(Strict):
    """A mapping file."""

    event: Literal["transaction", "label", "reading"] = Field(description="The type of the events.")
    time: TimeRule = Field(description="The event time.")
    columns: list[str] = Field(
        default_factory=list, description="All columns in order, of files without a header (`.dat`, `.txt`)."
    )
    fields: dict[str, Rule] = Field(description="The event's other fields, by name.")
    label: LabelRule | None = Field(default=None, description="Labels that come with transactions.")

    @model_validator(mode="after")
    def _fits_the_event(self) -> "Mapping":
        kinds = field_kinds(self.event)
        if twice := [name for name, times in Counter(self.columns).items() if times > 1]:
            raise ValueError(f"columns: {', '.join(twice)} is named twice")
        for name, rule in self.fields.items():
            if name not in kinds:
                raise ValueError(
                    f"fields.{name}: a {self.event} has no such field; it has {', '.join(kinds)}"
                )
            if problem := _misfit(rule, kinds[name]):
                raise ValueError(f"fields.{name}: {problem}")
        if missing := [name for name in required_fields(self.event) if name not in self.fields]:
            raise ValueError(f"fields: a {self.event} also needs {', '.join(missing)}")
        if self.label is not None and self.event != "transaction":
            raise ValueError(f"label: only transactions have labels, this maps to a {self.event}")
        return self


def _misfit(rule: Rule, kind: Kind) -> str | None:
    if isinstance(rule, ColumnsRule) != (kind == "measurements"):
        return "measurements, and only they, are mapped by `columns`"
    if isinstance(rule, ColumnRule) and (rule.prefix or rule.tokenise) and kind != "text":
        return "prefix and tokenise are for text fields"
    if isinstance(rule, TemplateRule) and kind != "text":
        return "a template makes text"
    return None


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    RefuseInputError
        Naming the file and the key that is wrong.
    """
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RefuseInputError(f"can't read the mapping {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RefuseInputError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise RefuseInputError(f"{path} is refused:\n{_problems(error)}") from error


def _problems(error: ValidationError) -> str:
    return "\n".join(f"  {_key(problem['loc'])}: {problem['msg']}" for problem in error.errors())


def _key(location: tuple[int | str, ...]) -> str:
    """Return the key as the file has it: `fields.NAME.KEY`, without the kind of rule that pydantic puts in."""
    match location:
        case ("fields", name, _, *rest):
            return ".".join(map(str, ["fields", name, *rest]))
    return ".".join(map(str, location)) or "the file"
