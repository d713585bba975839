"""A model artifact written by hand: no training is needed where only its way counts."""

from models.artifact import FORMAT, Artifact, Training, seal
from models.compiled import Compiled
from models.fraud import FRAUD


def handmade(score: str, threshold: float) -> Artifact:
    """Return the fraud model's features with this SQL as the score."""
    return seal(
        Artifact(
            format=FORMAT,
            name="fraud",
            version="1",
            event="transaction",
            plan=FRAUD.plan(),
            compiled=Compiled(layers=[], score=score, contributions={}),
            threshold=threshold,
            metrics={"roc_auc": 0.9},
            training=Training(0, 1, 10, 1, "d" * 64, {"python": "3.11"}),
        )
    )
