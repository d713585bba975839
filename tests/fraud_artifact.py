"""Model artifacts written by hand: no training is needed where only their way counts."""

from typing import Final

from models.artifact import FORMAT, Artifact, Training, seal
from models.compiled import Compiled
from models.events import Reading
from models.expressions import coalesce, measurement
from models.features import Entity, row
from models.fraud import FRAUD
from models.largest import Largest
from models.spec import FixedThreshold, ModelSpec

PUMPS: Final = ModelSpec(
    name="anomaly-pump",
    version="1",
    event=Reading,
    features=[
        row("heat", coalesce(measurement("bearing_temp_de"), 0.0)),
        Entity("machine").mean("usual_heat", measurement("bearing_temp_de"), half_life_ms=3_600_000),
    ],
    estimator=Largest,
    threshold=FixedThreshold(45.0),
    only={"machine_class": "pump"},
)


def handmade_for_pumps() -> Artifact:
    """Return a model of machines of one class that takes its heat as the score."""
    return seal(
        Artifact(
            format=FORMAT,
            name="anomaly-pump",
            version="1",
            event="reading",
            plan=PUMPS.plan(),
            compiled=Compiled(
                layers=[],
                score="heat",
                contributions={"heat": "heat"},
                outputs={"above": "heat - usual_heat"},
            ),
            threshold=45.0,
            metrics={},
            training=Training(0, 1, 10, 0, "d" * 64, {"python": "3.11"}),
        )
    )


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
