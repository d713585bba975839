from pathlib import Path

import pytest

from models.spec import ModelSpec
from pipeline import specs
from pipeline.errors import RefuseUsageError
from pipeline.new_model import write_model


def test_a_new_model_is_a_working_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    file = write_model(tmp_path, "my_first_model")
    spec = specs.load("my_first_model:MODEL")
    assert isinstance(spec, ModelSpec)
    assert spec.name == "my_first_model"
    assert "My first model" in (specs.documentation("my_first_model:MODEL") or "")
    assert len(file.read_text().splitlines()) < 40


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("precious")
    with pytest.raises(RefuseUsageError, match="is there already"):
        write_model(tmp_path, "mine")
    assert (tmp_path / "mine.py").read_text() == "precious"


@pytest.mark.parametrize("name", ["", "Mine", "1st", "a-b", "../x", "a b"])
def test_a_name_that_no_module_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefuseUsageError, match="lower-case letters"):
        write_model(tmp_path, name)


def test_a_model_that_can_not_be_imported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_model.py").write_text("MODEL = undefined_name\n")
    with pytest.raises(RefuseUsageError, match="NameError: name 'undefined_name'"):
        specs.load("broken_model:MODEL")
