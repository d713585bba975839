"""Model specs by import string: `package.module:NAME`, in this project or any importable module."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from pipeline.errors import RefuseUsageError

if TYPE_CHECKING:
    from models.spec import ModelSpec  # it loads numpy; help and mistakes answer without

FRAUD: Final = "models.fraud:FRAUD"


def load(name: str) -> "ModelSpec":
    """Import a model spec; modules in the working directory are found too.

    Raises
    ------
    RefuseUsageError
        When there is no such module or name, or it is no `ModelSpec`.
    """
    from models.spec import ModelSpec  # noqa: PLC0415 - only what runs is loaded

    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise RefuseUsageError(f"{name!r} is no import string: write module:NAME, as in {FRAUD}")
    try:
        spec = getattr(_module(module_name), attribute)
    except (ImportError, AttributeError, SyntaxError, NameError, TypeError, ValueError) as error:
        raise RefuseUsageError(f"can't import {name}: {type(error).__name__}: {error}") from error
    if not isinstance(spec, ModelSpec):
        raise RefuseUsageError(f"{name} is a {type(spec).__name__}, not a ModelSpec")
    return spec


def documentation(name: str) -> str | None:
    """Return the docstring of the module that a model stands in."""
    return _module(name.partition(":")[0]).__doc__


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return importlib.import_module(name)
