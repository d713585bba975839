"""Container images of Java, Kafka and Cassandra, built where no image can be pulled; and a Docker engine to run them.

`python -m infra.images --help` lists the commands. With an image registry at hand none of this is needed:
the tests then run on the public images.
"""

from infra.bundles import CASSANDRA_VERSION

BASE = "fastdata/debian:bookworm"
JRE = "fastdata/jre:17"
# Numbered like the Confluent images of the same Kafka: testcontainers refuses KRaft for a tag below 7.0.0.
KAFKA = "fastdata/kafka:8.3.1"
CASSANDRA = f"fastdata/cassandra:{CASSANDRA_VERSION}"
