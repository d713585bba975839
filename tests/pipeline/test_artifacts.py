"""The registry: versions are numbered, written once, and found again."""

from pathlib import Path

import msgspec
import pytest
from fraud_artifact import handmade

from models.artifact import Artifact
from models.errors import RefuseSpecError
from pipeline import artifacts
from pipeline.errors import RefuseUsageError


def trained(name: str = "fraud", version: str = "1") -> Artifact:
    return msgspec.structs.replace(handmade("amount / 200D", 0.5), name=name, version=version)


def test_numbers_go_on_over_the_versions_of_a_spec(tmp_path: Path) -> None:
    files = [artifacts.keep(tmp_path, trained(version=v)) for v in ("1", "1", "2-beta", "1")]
    assert [f.relative_to(tmp_path).as_posix() for f in files] == [
        "fraud/1.1.json", "fraud/1.2.json", "fraud/2-beta.3.json", "fraud/1.4.json",
    ]  # fmt: skip
    assert artifacts.versions(tmp_path, "fraud") == ["1.1", "1.2", "2-beta.3", "1.4"]
    assert artifacts.load(tmp_path, "fraud", "2-beta.3").version == "2-beta.3"


def test_the_tenth_comes_after_the_ninth(tmp_path: Path) -> None:
    for _ in range(10):
        artifacts.keep(tmp_path, trained())
    assert artifacts.versions(tmp_path, "fraud")[-2:] == ["1.9", "1.10"]


def test_models_are_listed_by_name_and_an_empty_registry_has_none(tmp_path: Path) -> None:
    assert artifacts.names(tmp_path / "nowhere") == []
    for name in ("velocity", "fraud"):
        artifacts.keep(tmp_path, trained(name))
    assert artifacts.names(tmp_path) == ["fraud", "velocity"]
    assert artifacts.versions(tmp_path, "other") == []


def test_a_version_that_is_not_there_is_refused_with_what_is(tmp_path: Path) -> None:
    artifacts.keep(tmp_path, trained())
    with pytest.raises(RefuseUsageError, match=r"no version 7\.7 of model fraud .*\(there: 1\.1\)"):
        artifacts.load(tmp_path, "fraud", "7.7")
    with pytest.raises(RefuseUsageError, match="there: none"):
        artifacts.load(tmp_path, "velocity", "../fraud/1.1")


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    file = artifacts.keep(tmp_path, trained())
    file.write_text(file.read_text().replace('"threshold": 0.5', '"threshold": 0.1'))
    with pytest.raises(RefuseSpecError, match="checksum"):
        artifacts.load(tmp_path, "fraud", "1.1")


@pytest.mark.parametrize(("name", "version"), [("a/b", "1"), ("", "1"), ("fraud", "1 2"), ("fraud", "../x")])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str, version: str) -> None:
    with pytest.raises(RefuseUsageError, match="no file name"):
        artifacts.keep(tmp_path, trained(name, version))
