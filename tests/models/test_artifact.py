import json

import pytest
from fraud_artifact import handmade

from models.artifact import FORMAT, Artifact, decode, encode
from models.errors import RefuseSpecError


def artifact() -> Artifact:
    return handmade("amount / 1e9D", 0.5)


def test_an_artifact_survives_its_codec() -> None:
    assert decode(encode(artifact()), "memory") == artifact()


def test_a_changed_artifact_is_refused() -> None:
    text = encode(artifact()).replace('"threshold": 0.5', '"threshold": 0.1')
    with pytest.raises(RefuseSpecError, match=r"fraud.json does not match its checksum"):
        decode(text, "fraud.json")


def test_another_format_is_refused() -> None:
    text = json.dumps(json.loads(encode(artifact())) | {"format": FORMAT + 1})
    with pytest.raises(RefuseSpecError, match=f"has format {FORMAT + 1}"):
        decode(text, "fraud.json")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 1, "hook": "rm"}'])
def test_what_is_no_artifact_is_refused(text: str) -> None:
    with pytest.raises(RefuseSpecError, match="is not a model artifact"):
        decode(text, "x.json")
