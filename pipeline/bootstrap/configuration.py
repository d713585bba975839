"""The settings of this process, with the embedded servers' endpoints where they run."""

from collections.abc import Mapping

from infra import embedded
from pipeline import settings_sources
from pipeline.settings import Settings
from pipeline.settings_sources import Origin


def load_settings(origin: Origin, environ: Mapping[str, str]) -> Settings:
    """Read the settings as `settings_sources` orders them."""
    return settings_sources.load(origin, environ, embedded.endpoints)
