"""A model artifact: what the runtime loads. JSON text with a checksum; nothing in it is ever unpickled."""

import hashlib
from typing import Final

import msgspec

from models.by_python import ByPython
from models.compiled import Compiled
from models.errors import RefuseSpecError
from models.plan import Plan

FORMAT: Final = 3


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a model comes from.

    Attributes
    ----------
    first_event_time, last_event_time
        The training window, milliseconds since the epoch.
    events, frauds
        Rows that the estimator was fitted on, and how many of them were fraud.
    data
        sha256 of the training rows.
    versions
        Library name -> version.
    """

    first_event_time: int
    last_event_time: int
    events: int
    frauds: int
    data: str
    versions: dict[str, str]


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trained model as text.

    Attributes
    ----------
    event
        Tag of the scored event type.
    compiled
        The estimator over the features.
    threshold
        A score that reaches it is an alert.
    below
        Whether scores reach the threshold from above: those at or under it are alerts.
    metrics
        Name -> value on the held-out tail of the training window.
    python
        The estimator where it could not be compiled: it is scored in the Python lane.
    checksum
        sha256 of the artifact without this field.
    """

    format: int
    name: str
    version: str
    event: str
    plan: Plan
    compiled: Compiled
    threshold: float
    metrics: dict[str, float]
    training: Training
    python: ByPython | None = None
    below: bool = False
    checksum: str = ""


def seal(artifact: Artifact) -> Artifact:
    """Return the artifact with its checksum."""
    return msgspec.structs.replace(artifact, checksum=_checksum(artifact))


def encode(artifact: Artifact) -> str:
    """Return the artifact as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(artifact), indent=1).decode() + "\n"


def decode(text: str, source: str) -> Artifact:
    """Read an artifact.

    Parameters
    ----------
    text
        What `encode` returned.
    source
        Named in errors: the file that the text is from.

    Raises
    ------
    RefuseSpecError
        When the text is no artifact, has another format, or does not match its checksum.
    """
    try:
        artifact = msgspec.json.decode(text, type=Artifact)
    except msgspec.DecodeError as error:
        raise RefuseSpecError(f"{source} is not a model artifact: {error}; train the model again") from error
    if artifact.format != FORMAT:
        raise RefuseSpecError(
            f"{source} has format {artifact.format}, this version reads {FORMAT}; train the model again"
        )
    if artifact.checksum != _checksum(artifact):
        raise RefuseSpecError(
            f"{source} does not match its checksum: it was changed after training; train it again"
        )
    return artifact


def _checksum(artifact: Artifact) -> str:
    bare = msgspec.structs.replace(artifact, checksum="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
