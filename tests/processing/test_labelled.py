"""Which Java compiler a session of tables gets."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from processing import labelled


@pytest.mark.parametrize(
    ("rows", "brief"), [(0, True), (labelled.BRIEF_ROWS, True), (labelled.BRIEF_ROWS + 1, False)]
)
def test_javas_second_compiler_is_left_out_where_a_history_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, *, brief: bool
) -> None:
    history, started = tmp_path / "history.parquet", dict[str, Any]()
    pq.write_table(pa.table({"arrival": pa.nulls(rows)}), history)
    monkeypatch.setattr(labelled, "spark_session", lambda *_, **options: started.update(options))
    labelled.table_session(Path("java"), "1g", history)
    assert started["brief"] is brief
