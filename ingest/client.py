"""The one place that knows how librdkafka is configured and how its errors map to ours."""

from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException

from ingest.errors import (
    IngestError,
    RefuseInputError,
    RefuseSettingsError,
    RetryLaterError,
    StopProcessError,
)
from ingest.settings import KafkaSettings

log = structlog.get_logger(__name__)

_NOT_AUTHORISED = frozenset({
    "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED",
    "SASL_AUTHENTICATION_FAILED", "_AUTHENTICATION",
})  # fmt: skip
_TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"})
_MISSING_TOPIC = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})
_WRONG_SETTINGS = frozenset({
    "INVALID_REPLICATION_FACTOR", "INVALID_PARTITIONS", "INVALID_CONFIG", "INVALID_REPLICA_ASSIGNMENT",
    "POLICY_VIOLATION",
})  # fmt: skip


def base_config(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every client needs; reconnects quickly, since servers here come back within seconds."""
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": "fastdata",
        "error_cb": log_error,
        "log_level": 2,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        "socket.nagle.disable": True,
        "topic.metadata.refresh.interval.ms": 30_000,
    }


def log_error(error: KafkaError) -> None:
    """Log what the client reports, except single connections lost: it tries those again many times a second."""
    if error.name() != "_TRANSPORT":
        log.debug("kafka client reports", code=error.name(), text=error.str())


def explain(error: KafkaError | KafkaException, doing: str) -> IngestError:
    """Map a client's error to ours.

    Parameters
    ----------
    doing
        What was tried, and on what, for the message.
    """
    cause = error.args[0] if isinstance(error, KafkaException) else error
    code = cause.name()
    text = f"{doing}: {cause.str()} ({code})"
    if code in _TOO_LARGE:
        return RefuseInputError(f"{text}; send less in one record")
    if code in _WRONG_SETTINGS:
        return RefuseSettingsError(f"{text}; change the settings or start more brokers")
    if code in _NOT_AUTHORISED or cause.fatal():
        return StopProcessError(text)
    if code in _MISSING_TOPIC:
        return RetryLaterError(f"{text}; create the topics first")
    return RetryLaterError(text)
