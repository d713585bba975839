"""The README's model is complete: it is taken from the page, imported by name, trained and kept as an artifact."""

import re
from datetime import date
from pathlib import Path

import pytest
from installation import Installation

from ingest.consumer import read_all
from ingest.handbook.settings import HandbookSettings
from ingest.settings import KafkaSettings
from models import scores
from models.spec import ModelSpec
from pipeline import artifacts, specs
from pipeline.bootstrap.training import train_model
from pipeline.errors import RefuseUsageError
from pipeline.new_model import write_model
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
    return specs.load("velocity:MODEL")


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


def test_the_page_shows_what_models_new_writes(tmp_path: Path) -> None:
    assert write_model(tmp_path, "velocity").read_text(encoding="utf-8") == example()


@pytest.mark.kafka
@pytest.mark.cassandra
@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_a_new_file_to_live_scores_by_the_pages_commands(
    installed: Installation, kafka_bootstrap: str, topic_prefix: str
) -> None:
    installed.call("models", "new", "velocity")
    assert "FAILED" not in installed.call("models", "check", "velocity:MODEL").stdout
    installed.call("models", "train", "velocity:MODEL", "--days", "30")
    installed.call("models", "deploy", "velocity")
    installed.call("simulate", "transactions", "--limit", "600")
    installed.call("run", "--until-idle")
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    scored = [scores.decode(r.value) for r in read_all(kafka, "scores") if r.value]
    velocity = [s for s in scored if s.model == "velocity"]
    assert {s.event_id for s in velocity} == {s.event_id for s in scored}
    assert len(velocity) == len(scored) / 2 > 0
    assert all(s.version == "1.1" and len(s.reasons) == 5 and 0 <= s.score <= 1 for s in velocity)


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
