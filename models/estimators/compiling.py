"""The way in: which scikit-learn class is compiled by which function, and how a pipeline chains them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sklearn import ensemble, linear_model, preprocessing, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from models.compiled import Compiled
from models.consistency import MachineMonitor, SensorMonitor
from models.errors import RefuseSpecError
from models.estimators import (
    boosting,
    columns,
    consistency,
    decomposition,
    encoding,
    histogram,
    isolation,
    largest,
    linear,
    monitoring,
    remaining_life,
    scaling,
    trees,
    wrappers,
)
from models.estimators.sheet import Column, Inputs, Output, Part, Sheet
from models.largest import Largest
from models.monitoring import ProcessMonitor
from models.remaining_life import RemainingLife

Transformer = Callable[[Any, Sequence[Column], Sheet], list[Column]]
Predictor = Callable[[Any, Inputs, Sheet], Output]

TRANSFORMERS: Final[Mapping[type, Transformer]] = {
    preprocessing.StandardScaler: scaling.standard_scaler,
    preprocessing.RobustScaler: scaling.robust_scaler,
    preprocessing.MinMaxScaler: scaling.min_max_scaler,
    SimpleImputer: scaling.simple_imputer,
    preprocessing.OneHotEncoder: encoding.one_hot_encoder,
    preprocessing.OrdinalEncoder: encoding.ordinal_encoder,
    preprocessing.FunctionTransformer: columns.function_transformer,
    ColumnTransformer: columns.column_transformer,
    PCA: decomposition.pca,
}

PREDICTORS: Final[Mapping[type, Predictor]] = {
    linear_model.LogisticRegression: linear.linear_classifier,
    linear_model.LinearRegression: linear.linear_regressor,
    linear_model.Ridge: linear.linear_regressor,
    linear_model.Lasso: linear.linear_regressor,
    linear_model.ElasticNet: linear.linear_regressor,
    linear_model.RidgeClassifier: linear.linear_margin,
    svm.LinearSVC: linear.linear_margin,
    tree.DecisionTreeClassifier: trees.tree,
    tree.DecisionTreeRegressor: trees.tree,
    ensemble.RandomForestClassifier: trees.forest,
    ensemble.RandomForestRegressor: trees.forest,
    ensemble.ExtraTreesClassifier: trees.forest,
    ensemble.ExtraTreesRegressor: trees.forest,
    ensemble.GradientBoostingClassifier: boosting.classifier,
    ensemble.GradientBoostingRegressor: boosting.regressor,
    ensemble.IsolationForest: isolation.isolation_forest,
    Largest: largest.largest,
    MachineMonitor: consistency.machine_monitor,
    SensorMonitor: consistency.sensor_monitor,
    ProcessMonitor: monitoring.process_monitor,
    RemainingLife: remaining_life.remaining_life,
    ensemble.VotingClassifier: wrappers.voting_classifier,
    ensemble.VotingRegressor: wrappers.voting_regressor,
    CalibratedClassifierCV: wrappers.calibrated_classifier,
    FrozenEstimator: wrappers.frozen,
    ensemble.HistGradientBoostingClassifier: histogram.classifier,
    ensemble.HistGradientBoostingRegressor: histogram.regressor,
}


def compile_estimator(estimator: Any, features: Sequence[str], background: Any | None = None) -> Compiled:
    """Return a fitted estimator as SQL.

    The score is a classifier's probability of its second class, a regressor's prediction, a detector's strangeness
    (`-score_samples`). Null and NaN are scikit-learn's missing values; where scikit-learn refuses them, the score of
    a linear model is null or NaN, and a tree sends them the way of the larger child.
    Where scikit-learn refuses an infinity, it is ordered like a number.

    Parameters
    ----------
    estimator
        Fitted, of one of the classes in `PREDICTORS`, or a `Pipeline` that ends in one.
    features
        The columns that the estimator was fitted on, by name.
    background
        The rows that it was fitted on: contributions of a linear model are measured from their mean. Without
        them, the means that a scaler knows are taken, else zero.

    Raises
    ------
    RefuseSpecError
        When a step or an option can't be compiled, naming it.
    """
    sheet = Sheet(_transform, _predict)
    taken = [Column(name, 0, (Part(name, name),)) for name in features]
    output = _predict(estimator, Inputs(taken, background), sheet)
    if not output.score:
        raise RefuseSpecError(
            f"{_name(estimator)} knows no probability: put a CalibratedClassifierCV around it"
        )
    return Compiled(
        layers=sheet.layers,
        score=output.score,
        contributions=output.contributions,
        outputs=output.outputs,
    )


def _transform(step: Any, taken: Sequence[Column], sheet: Sheet) -> list[Column]:
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            taken = _transform(inner, taken, sheet)
        return list(taken)
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return list(taken)
    if type(step) not in TRANSFORMERS:
        raise RefuseSpecError(
            f"{_name(step)} can't be compiled to SQL as a transformer; {_known(TRANSFORMERS)} can"
        )
    _check_fitted(step)
    return TRANSFORMERS[type(step)](step, taken, sheet)


def _predict(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    if isinstance(estimator, Pipeline):
        return _predict(estimator.steps[-1][1], _prepared(estimator, inputs, sheet), sheet)
    if type(estimator) not in PREDICTORS:
        raise RefuseSpecError(f"{_name(estimator)} can't be compiled to SQL; {_known(PREDICTORS)} can")
    _check_fitted(estimator)
    return PREDICTORS[type(estimator)](estimator, inputs, sheet)


def _prepared(pipeline: Pipeline, inputs: Inputs, sheet: Sheet) -> Inputs:
    taken = inputs.columns
    for _, step in pipeline.steps[:-1]:
        taken = _transform(step, taken, sheet)
    rows = inputs.rows
    if rows is not None and len(pipeline.steps) > 1:
        rows = pipeline[:-1].transform(rows)
    return Inputs(taken, rows)


def _check_fitted(step: Any) -> None:
    try:
        check_is_fitted(step)
    except NotFittedError:
        raise RefuseSpecError(f"{_name(step)} can't be compiled to SQL: it is not fitted") from None


def _name(step: Any) -> str:
    return type(step).__name__


def _known(classes: Mapping[type, Any]) -> str:
    return ", ".join(sorted(c.__name__ for c in classes))
