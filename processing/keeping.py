"""Fitted estimators as text and back, by skops: only named types are built, no code is stored or run."""

import base64
from typing import Any, Final

from skops.io import dumps, get_untrusted_types, loads

from models.by_python import ByPython
from processing.errors import RefuseTrainingError

TRUSTED: Final = ("sklearn.", "numpy.", "scipy.")
"""Packages whose types an estimator may consist of, besides the model's own module."""


def kept(estimator: Any, module: str, reason: str) -> ByPython:
    """Return a fitted estimator as text.

    Parameters
    ----------
    module
        The model's own module: its types are allowed.
    reason
        Why the estimator is not compiled.

    Raises
    ------
    RefuseTrainingError
        When it can't be written, or consists of types from elsewhere.
    """
    try:
        data = dumps(estimator)
        types = sorted(get_untrusted_types(data=data))
    except Exception as error:
        raise RefuseTrainingError(
            f"{type(estimator).__name__} can't be kept as text ({type(error).__name__}: {error}): "
            "let its attributes be numbers, texts, arrays and scikit-learn's objects"
        ) from error
    foreign = [name for name in types if not name.startswith((*TRUSTED, f"{module}."))]
    if foreign:
        raise RefuseTrainingError(
            f"{type(estimator).__name__} consists of {', '.join(foreign)}: only types of scikit-learn, numpy, scipy "
            f"and the model's own module {module} are loaded by the running system"
        )
    return ByPython(reason, types, base64.b64encode(data).decode())


def restored(kept: ByPython) -> Any:
    """Return the estimator."""
    return loads(base64.b64decode(kept.data), trusted=list(kept.trusted))
