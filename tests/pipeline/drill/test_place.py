"""A drill deletes only what is its own."""

from pathlib import Path

import pytest

from pipeline.drill import place
from pipeline.errors import RefuseUsageError


def test_a_new_or_empty_folder_is_claimed_and_cleared(tmp_path: Path) -> None:
    for folder in (tmp_path / "new" / "deep", tmp_path / "empty"):
        folder.mkdir(parents=True)
        place.claim(folder)
        (folder / "data").mkdir()
        place.claim(folder)
        place.clear(folder)
        assert not folder.exists()


def test_what_somebody_else_has_put_there_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    for folder in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(RefuseUsageError, match="holds something else"):
            place.claim(folder)
        place.clear(folder)
    assert (tmp_path / "thesis.txt").exists()
