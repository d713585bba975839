"""All policies of one file, and reading them."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Final, Self

from pydantic import ConfigDict, ValidationError, model_validator

from models.errors import RefuseSpecError
from models.policies.alarms import AlarmPolicies, AlarmPolicy
from models.policies.cases import CasePolicies, CasePolicy
from models.policies.commands import CommandPolicy
from models.policies.complaints import complaints
from models.policies.maintenance import Maintenance
from models.policies.notifications import NotificationPolicy

BUILT_IN: Final = Path(__file__).with_name("default.toml")
"""The policies that hold when no file is named."""


class Policies(NotificationPolicy):
    """What alarms, commands, cases and notifications follow; the tables of the last are those of its base."""

    model_config = ConfigDict(hide_input_in_errors=True)  # somebody may have put a secret address there

    alarms: AlarmPolicies = AlarmPolicies({"default": AlarmPolicy()})
    """How alarms live, by condition."""

    maintenance: tuple[Maintenance, ...] = ()
    """When alarms are kept but act on nobody."""

    commands: tuple[CommandPolicy, ...] = ()
    """What alarms lead to."""

    cases: CasePolicies = CasePolicies({"default": CasePolicy()})
    """When alarms open cases, by model."""

    @model_validator(mode="after")
    def _commands_are_apart(self) -> Self:
        keys = Counter(policy.key for policy in self.commands)
        for key, count in keys.items():
            if count > 1:
                raise ValueError(
                    f"{count} entries of [[commands]] are called {key}: give each a `name` of its own"
                )
        return self


def parse(text: str, source: str) -> Policies:
    """Read policies from TOML.

    Raises
    ------
    RefuseSpecError
        The text is no TOML, or says something that no policy knows; `source` is named.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RefuseSpecError(f"{source}: it is no TOML: {error}") from error
    try:
        return Policies.model_validate(given)
    except ValidationError as error:
        found = complaints(error, Policies, given)
        raise RefuseSpecError("\n".join(f"{source}: {each}" for each in found)) from error
