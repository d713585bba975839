"""A checkpoint is gone on from when the plan's state and `STATE_FORMAT` are the same: so the code between them is watched."""

import hashlib
import inspect

from models.layout import STATE_FORMAT
from models.service import stateful_sql
from processing import source, stages

WATCHED = (
    stages.staged,
    stages._told_apart,
    stages.streaming_stage,
    source.valid_rows,
    source.scorable_rows,
    stateful_sql,
)
KNOWN = {1: "371a66de6a5c"}


def test_what_is_kept_per_key_changes_only_with_the_format() -> None:
    code = "".join(inspect.getsource(function) for function in WATCHED)
    digest = hashlib.sha256(code.encode()).hexdigest()[:12]
    assert digest == KNOWN[STATE_FORMAT], (
        "the code that decides what a checkpoint holds has changed: where a query on an old checkpoint would read other "
        f"state than it expects, raise models.layout.STATE_FORMAT; then write {{{STATE_FORMAT}: {digest!r}}} here"
    )
