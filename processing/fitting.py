"""Fit, compile, prove: an estimator on rows of features, and the SQL, or else the text, that gives the same scores."""

import inspect
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models.by_python import COMPILED, ByPython
from models.checking import nullable_names
from models.compiled import Compiled
from models.errors import RefuseSpecError
from models.estimators import compile_estimator
from models.spec import ModelSpec, RunToFailure
from processing.errors import RefuseTrainingError
from processing.keeping import kept, restored
from processing.own_scores import Scores, own_scores
from processing.stages import with_score

PARITY: Final = 1e-9
"""Largest difference allowed between the compiled score and scikit-learn's own, relative to the larger of 1 and the score."""

_CLASSES: Final = 2


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator and its SQL.

    Attributes
    ----------
    python
        The estimator as text where it can't be SQL: it is scored in the Python lane.
    nullable
        Features that may be null.
    probability
        Whether a score is the probability of fraud.
    """

    estimator: Any
    compiled: Compiled
    python: ByPython | None
    nullable: list[str]
    probability: bool


def fit(spec: ModelSpec, rows: pd.DataFrame) -> Fitted:
    """Fit a model's estimator on rows of features, compile it.

    It learns from `verdict`; where machines run to failure, from `life`, the hours left. An estimator whose `fit` takes
    `groups` is told the machine of each row.

    Raises
    ------
    RefuseTrainingError
        When it needs two classes and there is one, takes no nulls and a feature may be null, or can neither
        be SQL nor be kept as text.
    """
    estimator, features = spec.estimator(), _features(spec, rows)
    nullable = _nullable(spec, features)
    _taking_nulls(estimator, nullable, lambda: estimator.fit(features, **_known(spec, estimator, rows)))
    _taking_nulls(estimator, nullable, lambda: own_scores(estimator, _probes(features, nullable)))
    compiled, python = _as_sql_or_text(spec, estimator, features)
    return Fitted(estimator, compiled, python, nullable, hasattr(estimator, "predict_proba"))


def _as_sql_or_text(
    spec: ModelSpec, estimator: Any, features: pd.DataFrame
) -> tuple[Compiled, ByPython | None]:
    """Return a fitted estimator as SQL, or, where that can't be, as text for the Python lane.

    Raises
    ------
    RefuseTrainingError
        When it can be neither.
    """
    try:
        return compile_estimator(estimator, list(features.columns), features), None
    except RefuseSpecError as refusal:
        return COMPILED, kept(estimator, spec.estimator.__module__, str(refusal))


def native_values(spark: SparkSession, compiled: Compiled, features: pd.DataFrame) -> pd.DataFrame:
    """Return `score` and the outputs by SQL, in the rows' order."""
    numbered = features.astype(np.float64).assign(_row=np.arange(len(features)))
    outputs = [F.expr(sql).alias(f"output_{name}") for name, sql in compiled.outputs.items()]
    scored = with_score(spark.createDataFrame(numbered), compiled).select("_row", "score", *outputs)
    ordered = scored.toPandas().sort_values("_row", ignore_index=True).drop(columns="_row")
    values: pd.DataFrame = ordered.astype(np.float64).rename(
        columns=lambda name: name.removeprefix("output_")
    )
    return values


def production_scores(spark: SparkSession, fitted: Fitted, features: pd.DataFrame) -> Scores:
    """Return the scores as the running system computes them: by SQL, or by the estimator read back from its text."""
    if fitted.python is None:
        return native_values(spark, fitted.compiled, features).score.to_numpy(dtype=np.float64)
    return own_scores(restored(fitted.python), features)


def check_parity(spark: SparkSession, spec: ModelSpec, fitted: Fitted, rows: pd.DataFrame) -> Scores:
    """Return the scores of rows in production, which must be scikit-learn's own; nulls where they may be are tried too.

    Raises
    ------
    RefuseTrainingError
        When they differ.
    """
    return check_values(spark, spec, fitted, rows).score.to_numpy(dtype=np.float64)


def check_values(spark: SparkSession, spec: ModelSpec, fitted: Fitted, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `score` and the outputs of rows in production; see `check_parity`."""
    features = _features(spec, rows)
    tried = pd.concat([features, _probes(features, fitted.nullable)], ignore_index=True)
    found = _production_values(spark, fitted, tried)
    for name, own in _own_values(fitted.estimator, tried).items():
        _refuse_difference(name, found[name].to_numpy(dtype=np.float64), own)
    return found.iloc[: len(features)]


def _production_values(spark: SparkSession, fitted: Fitted, features: pd.DataFrame) -> pd.DataFrame:
    if fitted.python is None:
        return native_values(spark, fitted.compiled, features)
    return pd.DataFrame({"score": production_scores(spark, fitted, features)})


def _own_values(estimator: Any, features: pd.DataFrame) -> dict[str, Scores]:
    """Return the score, and what an estimator with a method `outputs` says beside it."""
    outputs = estimator.outputs(features) if hasattr(estimator, "outputs") else {}
    return {"score": own_scores(estimator, features), **outputs}


def _refuse_difference(name: str, found: Scores, own: Scores) -> None:
    difference = float((np.abs(found - own) / np.maximum(1, np.abs(own))).max())
    if not difference <= PARITY:
        raise RefuseTrainingError(
            f"the {name} in production differs from scikit-learn's by {difference:g}, at most {PARITY:g} is allowed"
        )


def _features(spec: ModelSpec, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[spec.inputs].astype(np.float64)


def _nullable(spec: ModelSpec, features: pd.DataFrame) -> list[str]:
    declared = set(nullable_names(spec.event, spec.features))
    return [name for name in features.columns if name in declared or features[name].isna().any()]


def _probes(features: pd.DataFrame, nullable: list[str]) -> pd.DataFrame:
    """Return a row as it is, one with each nullable feature null, and one with all of them null."""
    row = features.iloc[[0]]
    one = [row.assign(**{name: np.nan}) for name in nullable]
    return pd.concat([row, *one, row.assign(**dict.fromkeys(nullable, np.nan))], ignore_index=True)


def _known(spec: ModelSpec, estimator: Any, rows: pd.DataFrame) -> dict[str, Any]:
    """Return what `fit` takes beside the features."""
    if spec.label is None:
        return {}
    if not isinstance(spec.label, RunToFailure):
        return {"y": _verdicts(estimator, rows)}
    known: dict[str, Any] = {"y": spec.label.target(rows.life.to_numpy(np.float64))}
    if "groups" in inspect.signature(estimator.fit).parameters:
        known["groups"] = rows[spec.event.key_field].to_numpy(dtype=object)
    return known


def _verdicts(estimator: Any, rows: pd.DataFrame) -> npt.NDArray[Any]:
    verdicts = rows.verdict.to_numpy(dtype=bool)
    if not hasattr(estimator, "predict_proba"):
        return verdicts.astype(np.float64)
    if len(np.unique(verdicts)) != _CLASSES:
        raise RefuseTrainingError(
            f"{len(rows)} labelled events of one class only can't train a {type(estimator).__name__}: give more days"
        )
    return verdicts


def _taking_nulls(estimator: Any, nullable: list[str], act: Any) -> None:
    try:
        act()
    except ValueError as error:
        if not nullable or "NaN" not in str(error):
            raise RefuseTrainingError(f"{type(estimator).__name__} can't be fitted: {error}") from error
        raise RefuseTrainingError(
            f"{', '.join(nullable)} may be null, and {type(estimator).__name__} takes no nulls: "
            "put a SimpleImputer in front of it, as in make_pipeline(SimpleImputer(), ...)"
        ) from error
