"""Which jars each server needs: the only place where their versions are written."""

from dataclasses import dataclass
from typing import Literal, get_args

BundleName = Literal["kafka", "cassandra", "spark"]

KAFKA_VERSION = "4.3.1"
CASSANDRA_VERSION = "5.0.5"
SPARK_CONNECTOR_VERSION = "4.2.0"
LOG4J_VERSION = "2.25.4"
BARE_FILES_VERSION = "0.1.0"


@dataclass(frozen=True)
class Bundle:
    """Jars that belong on one class path.

    Parameters
    ----------
    roots
        Coordinates (group:artifact:version) whose dependencies are resolved.
    only
        Artifact ids that stay after resolving; None keeps all.
    """

    roots: tuple[str, ...]
    only: frozenset[str] | None = None


BUNDLES: dict[BundleName, Bundle] = {
    "kafka": Bundle(
        (
            f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
            f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}",
        )
    ),
    "cassandra": Bundle((f"org.apache.cassandra:cassandra-all:{CASSANDRA_VERSION}",)),
    "spark": Bundle(
        (
            f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK_CONNECTOR_VERSION}",
            f"com.globalmentor:hadoop-bare-naked-local-fs:{BARE_FILES_VERSION}",
        ),
        only=frozenset(
            {
                "spark-sql-kafka-0-10_2.13",
                "spark-token-provider-kafka-0-10_2.13",
                "kafka-clients",
                "commons-pool2",
                "hadoop-bare-naked-local-fs",
            }
        ),
    ),
}
BUNDLE_NAMES: tuple[BundleName, ...] = get_args(BundleName)
