"""The way in: which scikit-learn class is compiled by which function, and how a pipeline chains them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sklearn import ensemble, linear_model, preprocessing, tree
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from models.compiled import Compiled
from models.errors import RefuseSpecError
from models.estimators import histogram, linear, scaling, trees
from models.estimators.sheet import Column, Inputs, Output, Part, Sheet

Transformer = Callable[[Any, Sequence[Column], Sheet], list[Column]]
Predictor = Callable[[Any, Inputs, Sheet], Output]

TRANSFORMERS: Final[Mapping[type, Transformer]] = {
    preprocessing.StandardScaler: scaling.standard_scaler,
    preprocessing.RobustScaler: scaling.robust_scaler,
    preprocessing.MinMaxScaler: scaling.min_max_scaler,
    SimpleImputer: scaling.simple_imputer,
}

PREDICTORS: Final[Mapping[type, Predictor]] = {
    linear_model.LogisticRegression: linear.linear_classifier,
    linear_model.LinearRegression: linear.linear_regressor,
    linear_model.Ridge: linear.linear_regressor,
    tree.DecisionTreeClassifier: trees.tree,
    tree.DecisionTreeRegressor: trees.tree,
    ensemble.RandomForestClassifier: trees.forest,
    ensemble.RandomForestRegressor: trees.forest,
    ensemble.ExtraTreesClassifier: trees.forest,
    ensemble.ExtraTreesRegressor: trees.forest,
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
    columns = [Column(name, 0, (Part(name, name),)) for name in features]
    output = _predict(estimator, Inputs(columns, background), sheet)
    if not output.score:
        raise RefuseSpecError(
            f"{_name(estimator)} knows no probability: put a CalibratedClassifierCV around it"
        )
    return Compiled(layers=sheet.layers, score=output.score, contributions=output.contributions)


def _transform(step: Any, columns: Sequence[Column], sheet: Sheet) -> list[Column]:
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            columns = _transform(inner, columns, sheet)
        return list(columns)
    if step is None or step == "passthrough":
        return list(columns)
    if type(step) not in TRANSFORMERS:
        raise RefuseSpecError(
            f"{_name(step)} can't be compiled to SQL as a transformer; {_known(TRANSFORMERS)} can"
        )
    return TRANSFORMERS[type(step)](step, columns, sheet)


def _predict(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    if isinstance(estimator, Pipeline):
        return _predict(estimator.steps[-1][1], _prepared(estimator, inputs, sheet), sheet)
    if type(estimator) not in PREDICTORS:
        raise RefuseSpecError(f"{_name(estimator)} can't be compiled to SQL; {_known(PREDICTORS)} can")
    return PREDICTORS[type(estimator)](estimator, inputs, sheet)


def _prepared(pipeline: Pipeline, inputs: Inputs, sheet: Sheet) -> Inputs:
    columns = inputs.columns
    for _, step in pipeline.steps[:-1]:
        columns = _transform(step, columns, sheet)
    rows = inputs.rows
    if rows is not None and len(pipeline.steps) > 1:
        rows = pipeline[:-1].transform(rows)
    return Inputs(columns, rows)


def _name(step: Any) -> str:
    return type(step).__name__


def _known(classes: Mapping[type, Any]) -> str:
    return ", ".join(sorted(c.__name__ for c in classes))
