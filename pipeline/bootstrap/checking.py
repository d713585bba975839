"""The contract checks of a model, on this installation's Java."""

from collections.abc import Callable

from infra.embedded.java import java_binary
from pipeline import specs
from pipeline.settings import Settings
from processing.checks import Finding, check


def check_model(settings: Settings, name: str, report: Callable[[Finding], None]) -> bool:
    """Check the model of this import string; return whether it has passed."""
    spec, documentation = specs.load(name), specs.documentation(name)
    return check(spec, documentation, java=java_binary(), memory=settings.processing.memory, report=report)
