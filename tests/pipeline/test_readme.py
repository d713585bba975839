"""The README's model is complete: it is taken from the page, imported by name, trained and kept as an artifact."""

import re
from datetime import date
from pathlib import Path

import pytest

from ingest.handbook.settings import HandbookSettings
from models.spec import ModelSpec
from pipeline import artifacts, specs
from pipeline.bootstrap.training import train_model
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings

README = Path(__file__).parents[2] / "README.md"


def example() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    (tmp_path / "velocity.py").write_text(example(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return specs.load("velocity:VELOCITY")


@pytest.mark.spark
@pytest.mark.slow
def test_the_readmes_model_trains_and_is_loaded_by_the_runtime(spec: ModelSpec, tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "kafka": {"bootstrap_servers": "127.0.0.1:1"},
            "models_dir": tmp_path / "models",
            "token_key": tmp_path / "token.key",
        }
    )
    world = HandbookSettings(customers=200, terminals=100)
    train_model(settings, spec, world, first_day=date(2024, 1, 1), days=40, report=lambda _: None)
    artifact = artifacts.load(tmp_path / "models", "velocity", "1.1")
    assert artifact.name == "velocity"
    assert artifact.plan == spec.plan()
    assert 0 < artifact.threshold < 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("velocity", "no import string"),
        ("no_such_module:X", "No module named 'no_such_module'"),
        ("models.fraud:NOTHING", "NOTHING"),
        ("models.fraud:DAY", "is a int, not a ModelSpec"),
    ],
)
def test_a_wrong_import_string_is_refused(name: str, message: str) -> None:
    with pytest.raises(RefuseUsageError, match=message):
        specs.load(name)


def test_the_page_names_no_missing_file() -> None:
    text = README.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:maps|models|docs)/[\w./]+)`", text):
        assert (README.parent / name).exists(), name
