import json

import pytest

from models.artifact import FORMAT, Artifact, Training, decode, encode, seal
from models.errors import RefuseSpecError
from models.fraud import FRAUD


def artifact() -> Artifact:
    training = Training(0, 1, 10, 1, "d" * 64, {"python": "3.11"})
    return seal(
        Artifact(
            format=FORMAT,
            name="fraud",
            version="1",
            event="transaction",
            plan=FRAUD.plan(),
            score="amount / 1e9D",
            threshold=0.5,
            metrics={"roc_auc": 0.9},
            training=training,
        )
    )


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
