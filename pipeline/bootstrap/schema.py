"""Topics and tables as this version wants them."""

from ingest.topics import ensure_topics
from pipeline.settings import Settings
from storage.migrate import migrate as migrate_tables


def migrate(settings: Settings, *, contract: bool = False) -> tuple[list[str], list[str]]:
    """Create or update topics and tables; return the topics created and the migrations applied.

    Parameters
    ----------
    contract
        Take away, too, what older releases needed.
    """
    return ensure_topics(settings.kafka), migrate_tables(settings.cassandra, contract=contract)
