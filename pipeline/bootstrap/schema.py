"""Topics and tables as this version wants them."""

from ingest.topics import ensure_topics
from pipeline.settings import Settings
from storage.entity_layout import SEPARATE, layout_of
from storage.migrate import migrate as migrate_tables
from storage.session import connect


def migrate(settings: Settings, *, contract: bool = False) -> tuple[list[str], list[str]]:
    """Create or update topics and tables; return the topics created and the migrations applied.

    Parameters
    ----------
    contract
        Take away, too, what older releases needed.
    """
    return ensure_topics(settings.kafka), migrate_tables(settings.cassandra, contract=contract)


def moves(settings: Settings) -> bool:
    """Whether taking away what older releases needed moves entities: nothing may change them meanwhile."""
    with connect(settings.cassandra) as session:
        return layout_of(session, settings.cassandra.keyspace) is SEPARATE
