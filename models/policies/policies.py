"""All policies of one file, and reading them."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, ValidationError

from models.errors import RefuseSpecError
from models.policies.alarms import AlarmPolicies, AlarmPolicy
from models.policies.cases import CasePolicies, CasePolicy
from models.policies.commands import CommandPolicy
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


def parse(text: str, source: str) -> Policies:
    """Read policies from TOML.

    Raises
    ------
    RefuseSpecError
        The text is no TOML, or says something that no policy knows; `source` is named.
    """
    try:
        return Policies.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise RefuseSpecError(f"{source}: {error}") from error
