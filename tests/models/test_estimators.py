from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, linear_model, preprocessing, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from models.errors import RefuseSpecError
from models.estimators import compile_estimator

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
NAMES = ["a", "b", "c"]
LOGISTIC = linear_model.LogisticRegression()


@pytest.mark.parametrize(
    ("estimator", "target", "said"),
    [
        (make_pipeline(SelectKBest(k=2), LOGISTIC), Y, "SelectKBest can't be compiled"),
        (make_pipeline(TruncatedSVD(2), LOGISTIC), Y, "TruncatedSVD can't be compiled"),
        (
            make_pipeline(preprocessing.FunctionTransformer(np.tanh), LOGISTIC),
            Y,
            r"FunctionTransformer\(func",
        ),
        (
            make_pipeline(SimpleImputer(missing_values=0.0), LOGISTIC),
            Y,
            r"SimpleImputer\(missing_values=0.0\)",
        ),
        (
            make_pipeline(preprocessing.OneHotEncoder(), LOGISTIC),
            Y,
            r"OneHotEncoder\(handle_unknown='error'\)",
        ),
        (
            make_pipeline(
                preprocessing.OneHotEncoder(handle_unknown="ignore", max_categories=2, sparse_output=False),
                LOGISTIC,
            ),
            Y,
            r"OneHotEncoder\(max_categories=2\)",
        ),
        (
            make_pipeline(preprocessing.OrdinalEncoder(), LOGISTIC),
            Y,
            r"OrdinalEncoder\(handle_unknown='error'\)",
        ),
        (linear_model.RidgeClassifier(), Y, "RidgeClassifier knows no probability"),
        (linear_model.LinearRegression(), X[:, :2], "LinearRegression has 2 targets"),
        (tree.DecisionTreeRegressor(max_depth=2), X[:, :2], "DecisionTreeRegressor has 2 outputs"),
        (
            linear_model.LogisticRegression(),
            Y + (X[:, 1] > 1),
            "LogisticRegression has .* more than two classes",
        ),
        (tree.DecisionTreeClassifier(max_depth=2), Y + (X[:, 1] > 1), "DecisionTreeClassifier has 3 classes"),
        (ensemble.HistGradientBoostingClassifier(max_iter=2), Y + (X[:, 1] > 1), "has 3 classes"),
        (ensemble.GradientBoostingClassifier(init=LOGISTIC, n_estimators=2), Y, r"init=LogisticRegression\)"),
        (ensemble.VotingClassifier([("a", LOGISTIC)]), Y, r"VotingClassifier\(voting='hard'\)"),
        (CalibratedClassifierCV(LOGISTIC, method="temperature"), Y, "method='temperature'"),
    ],
)
def test_what_cant_be_compiled_is_refused_by_class_and_option(estimator: Any, target: Any, said: str) -> None:
    with pytest.raises(RefuseSpecError, match=said):
        compile_estimator(estimator.fit(X, target), NAMES)


def test_an_estimator_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(
        RefuseSpecError, match="RandomForestClassifier can't be compiled to SQL: it is not fitted"
    ):
        compile_estimator(ensemble.RandomForestClassifier(), NAMES)


def test_too_many_leaves_are_refused_with_their_number() -> None:
    x = RNG.normal(size=(9000, 3))
    forest = ensemble.ExtraTreesRegressor(5, random_state=0).fit(x, RNG.normal(size=9000))
    with pytest.raises(RefuseSpecError, match=r"45000 leaves, at most 40000 .* max_depth"):
        compile_estimator(forest, NAMES)


def test_columns_of_the_layers_meet_no_feature() -> None:
    compiled = compile_estimator(ensemble.RandomForestClassifier(3, max_depth=2).fit(X, Y), NAMES)
    assert {name[0] for layer in compiled.layers for name in layer} == {"_"}
    assert set(compiled.contributions) <= set(NAMES)


def test_members_share_what_they_have_in_common() -> None:
    one = tree.DecisionTreeClassifier(max_depth=3, random_state=0)
    voting = ensemble.VotingClassifier([("a", one), ("b", one)], voting="soft").fit(X, Y)
    assert compile_estimator(voting, NAMES).layers == compile_estimator(one.fit(X, Y), NAMES).layers


def test_a_mix_of_units_has_no_account() -> None:
    members = [("a", LOGISTIC), ("b", tree.DecisionTreeClassifier(max_depth=2))]
    voting = ensemble.VotingClassifier(members, voting="soft").fit(X, Y)
    assert not compile_estimator(voting, NAMES).contributions
