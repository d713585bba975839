"""Which worker runs which tests: those of one file together, and some files one after the other.

Two pipelines at a time are ten processes and six Javas on two cores: each takes three times as long, and patience ends.
A Spark session that many files share is started once, and its Java is warm after the first of them.
"""

from collections.abc import Mapping
from typing import Final

from xdist.scheduler import LoadFileScheduling

WHOLE_PIPELINE: Final = frozenset(
    f"tests/pipeline/{name}.py"
    for name in (
        "drill/test_drill_command",
        "releases/test_upgrade",
        "test_alarms_end_to_end",
        "test_cases_end_to_end",
        "test_end_to_end",
        "test_life_cycle",
        "test_readme",
    )
)
SHARED_SPARK: Final = frozenset(
    f"tests/processing/test_{name}.py"
    for name in (
        "anomaly_backtest",
        "backtest",
        "estimators_consistency",
        "estimators_linear",
        "estimators_monitoring",
        "estimators_remaining_life",
        "estimators_trees",
        "estimators_wrappers",
        "history",
        "history_parity",
        "life_backtest",
        "routing",
        "training",
        "validity",
    )
)
_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "whole pipeline": WHOLE_PIPELINE,
    "shared Spark": SHARED_SPARK,
}


class InTurn(LoadFileScheduling):
    """Gives the tests of one file, or of one group of files, to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((group for group, files in _GROUPS.items() if file in files), file)
