"""Warming: the state of a layout built from what Kafka still holds, before anything is scored from it."""

import threading
from collections.abc import Sequence
from pathlib import Path

from models.service import Service
from processing.pace import Pace
from processing.progress import Watch, watch_queries
from processing.query import session_of, slots_of, start_scoring
from processing.settings import ProcessingSettings
from processing.topics import Topics


def warm(
    settings: ProcessingSettings,
    topics: Topics,
    service: Service,
    *,
    java: Path,
    jars: Sequence[Path],
    stop: threading.Event,
    watch: Watch,
) -> None:
    """Read everything there is into the state of a service, write no row, and end when nothing is left to read.

    Parameters
    ----------
    service
        What to build state for (`models.service.warming`); its checkpoint is what remains.
    stop
        Ends it before; the checkpoint is then not to be used.
    watch
        Takes the progress of each interval and tells the end offsets of the sources.

    Raises
    ------
    StopQueryError
        When Java does not start or the query fails.
    """
    with session_of(settings, java, jars, slots_of(settings, topics, service)) as spark:
        query = start_scoring(spark, settings, topics, service, Pace(settings.idle_interval_s))
        watch_queries([query], stop, until_idle=True, watch=watch)
