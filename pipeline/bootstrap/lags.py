"""How far everyone has come, and whether anyone reads: the lags that `status` shows and that end a run until idle."""

from ingest.admin import end_offsets, group_lag, group_members
from ingest.catalog import TOPICS, source_topic, topic_name
from ingest.settings import TopicName
from models.events import EVENT_TYPES
from pipeline import progress
from pipeline.drain import Look
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings


def group_lags(settings: Settings) -> dict[str, int]:
    """Return the records that wait, by `group: topic`."""
    return {f"{group}: {topic}": group_lag(settings.kafka, group, topic) for group, topic in groups(settings)}


def ends(settings: Settings) -> dict[TopicName, int]:
    """Return the records ever written, by topic."""
    return {topic: sum(end_offsets(settings.kafka, topic).values()) for topic in TOPICS}


def query_lag(settings: Settings) -> int:
    """Return the source records that the query with the most to do has not committed."""
    topics = [source_topic(kind) for kind in EVENT_TYPES.values()]
    found = {topic_name(settings.kafka, topic): end_offsets(settings.kafka, topic) for topic in topics}
    return progress.lag(progress.read(settings.run_dir), found)


def look(settings: Settings, *, query_done: bool) -> Look:
    """Look once at groups and topics."""
    return Look(query_done, group_lags(settings), {str(topic): end for topic, end in ends(settings).items()})


def groups(settings: Settings) -> tuple[tuple[str, TopicName], ...]:
    """Return the consumer groups with each topic that they read."""
    return (
        (settings.writer.group, "scores"),
        (settings.actors.group, "alerts"),
        (settings.gateway.group, "commands"),
        (settings.actors.group, "acks"),
        (settings.actors.group, "operations"),
        (settings.notifier.group, "alarms"),
    )


def refuse_running(settings: Settings) -> None:
    """Refuse to go on while anything reads, on whichever host.

    Raises
    ------
    RefuseUsageError
        When a consumer group has members.
    """
    for group in sorted({group for group, _ in groups(settings)}):
        if members := group_members(settings.kafka, group):
            raise RefuseUsageError(f"{members} members of group {group} run: stop `fastdata run` first")
