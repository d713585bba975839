"""Which worker runs which tests: those of one file together, and all that start a whole pipeline one after another.

Two pipelines at a time are ten processes and six Javas on two cores: each takes three times as long, and patience ends.
"""

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


class PipelinesInTurn(LoadFileScheduling):
    """Gives tests of one file, or of a whole pipeline, to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "whole pipeline" if file in WHOLE_PIPELINE else file
