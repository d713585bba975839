"""A compiled estimator: Spark SQL text over the features. Plain data, so that it travels in an artifact."""

import msgspec


class Compiled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fitted estimator becomes.

    Attributes
    ----------
    layers
        Projections, each column -> SQL, evaluated one after the other: a layer reads the features and the
        columns of the layers before it. Column names start with an underscore, so that they meet no feature.
    score
        SQL over the features and all layers: a probability, a prediction or an anomaly score.
    contributions
        Feature -> SQL for how far it pushed this score, in the estimator's own margin; empty when the
        estimator has no such account.
    outputs
        Name -> SQL for what the estimator says beside the score, such as the bounds of an interval.
    """

    layers: list[dict[str, str]]
    score: str
    contributions: dict[str, str]
    outputs: dict[str, str] = {}
